"""OpenAI's protocol, and how single services and models differ in it."""
