import pytest


@pytest.fixture
def console(page):
    """What the browser complains of, such as a broken content security policy; empty at the end."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


@pytest.fixture(scope="session")
def desk_password(site):
    """A colleague who may do everything at the desk of the running site."""
    site.run_python(
        "from django.contrib.auth.models import User; User.objects.create_superuser('desk', '', 'trial-desk')",
    )
    return "trial-desk"
