import getpass
import os

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from revival.staff import accounts

VARIABLE = "FIRST_OWNER_PASSWORD"


class Command(BaseCommand):
    help = (
        "Create the first account, an owner who then adds everybody else. "
        f"The first password is read from {VARIABLE} or asked for; the owner changes it at the first sign-in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--again",
            action="store_true",
            help="create one even if there is an owner, for instance one who cannot sign in",
        )

    def handle(self, *args: object, username: str, again: bool, **options: object) -> None:
        name = self.clean_name(username)
        if accounts.active_owners().exists() and not again:
            raise CommandError(self.owner_exists_message())
        password = self.read_password(name)
        try:
            accounts.make_first_owner(name=name, password=password, is_again=again)
        except accounts.OwnerExistsError:
            raise CommandError(self.owner_exists_message()) from None
        except accounts.NameTakenError:
            raise CommandError(
                f"There is an account {name} already. Choose another name, or add --again to make it an owner with "
                "a new password and a new second factor."
            ) from None
        except Group.DoesNotExist:
            raise CommandError("There are no roles yet; run `manage.py migrate` first.") from None
        if again:
            self.stdout.write("Created although there may be another owner, in case no owner can sign in.")
        self.stdout.write(f"{name} is an owner. At the first sign-in they choose their own password.")

    def owner_exists_message(self) -> str:
        names = ", ".join(accounts.active_owners().values_list("username", flat=True))
        return (
            f"There is an owner already ({names}); they add colleagues at the desk. "
            "If no owner can sign in any more, --again creates one anyway."
        )

    def clean_name(self, name: str) -> str:
        field = User._meta.get_field("username")
        try:
            cleaned: str = field.clean(User.normalize_username(name), None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return cleaned

    def read_password(self, name: str) -> str:
        password = os.environ.get(VARIABLE) or self.ask_for_password(name)
        try:
            validate_password(password, User(username=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password

    def ask_for_password(self, name: str) -> str:
        password = getpass.getpass(f"First password for {name}: ")
        if getpass.getpass("Once more: ") != password:
            raise CommandError("The two passwords are not the same.")
        return password
