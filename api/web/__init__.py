"""How requests are asked and answered, whatever they are about."""
