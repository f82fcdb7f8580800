import getpass
import os
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from revival.staff import accounts

VARIABLE = "FIRST_OWNER_PASSWORD"


class Command(BaseCommand):
    help = (
        "Make the first account, an owner who gives everybody else theirs. "
        f"The first password is read from {VARIABLE} or asked for; it is changed at the first sign-in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--again", action="store_true", help="also when there is an owner who cannot sign in")

    def handle(self, *args: Any, username: str, again: bool, **options: Any) -> None:
        name = self.checked_name(username)
        if accounts.active_owners().exists() and not again:
            raise CommandError(self.there_is_one())
        password = self.checked_password(name)
        try:
            accounts.make_first_owner(name=name, password=password, is_again=again)
        except accounts.OwnerExistsError:
            raise CommandError(self.there_is_one()) from None
        except accounts.NameTakenError:
            raise CommandError(
                f"There is an account {name} already. Choose another name, or add --again to make it an owner with "
                "a new password and a new second factor."
            ) from None
        except Group.DoesNotExist:
            raise CommandError("There are no roles yet; run `manage.py migrate` first.") from None
        if again:
            self.stdout.write("Made although there may be an owner already, for the case that none can sign in.")
        self.stdout.write(f"{name} is an owner. At the first sign-in they choose their own password.")

    def there_is_one(self) -> str:
        names = ", ".join(accounts.active_owners().values_list("username", flat=True))
        return (
            f"There is an owner already ({names}); they add colleagues at the desk. "
            "If no owner can sign in any more, --again makes one all the same."
        )

    def checked_name(self, name: str) -> str:
        field = User._meta.get_field("username")
        try:
            cleaned: str = field.clean(User.normalize_username(name), None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return cleaned

    def checked_password(self, name: str) -> str:
        password = os.environ.get(VARIABLE) or self.asked_password(name)
        try:
            validate_password(password, User(username=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password

    def asked_password(self, name: str) -> str:
        password = getpass.getpass(f"First password for {name}: ")
        if getpass.getpass("Once more: ") != password:
            raise CommandError("The two passwords are not the same.")
        return password
