"""Amazon Bedrock's Converse API and its embeddings."""
