"""Azure's services: access by key or Microsoft Entra ID, and OpenAI's protocol on Azure."""
