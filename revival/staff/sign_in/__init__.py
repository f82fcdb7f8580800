"""Pages of signing in: password, code, enrollment, one's own sign-in, signing out. What they check and store lives
beside this folder in accounts, two_factor, sessions and lockout."""
