"""Staff accounts: roles, signing in with a second factor, sessions and lockout. Nothing about patients lives here,
and no rule about who may see which visit."""
