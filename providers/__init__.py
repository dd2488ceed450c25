"""What an AI service is: one module per provider. Knows no Django."""
