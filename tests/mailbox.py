"""Real SMTP server for tests: keeps the mails that arrive, and refuses or hangs up when a test wants it to."""

from __future__ import annotations

import email
import email.policy


class Mailbox:
    """Handler of the server: `answer` is its reply to DATA, `refused` its replies to RCPT by address; with `drops`
    it keeps the mail and hangs up without a reply. `senders` are the envelope senders of `mails`, in the same order."""

    def __init__(self):
        self.mails, self.senders, self.answer, self.refused, self.drops = [], [], "250 OK", {}, False

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.senders.append(envelope.mail_from)
        if self.drops:
            server.transport.close()
        return self.answer
