"""Mails as they come to the bounce address: delivery reports in the form of several mail servers, and what is none."""

from __future__ import annotations

PERSON = "ada@example.com"

POSTFIX = """\
Return-Path: <>
X-Original-To: {bounce}
Delivered-To: {bounce}
Date: Mon, 07 Dec 2026 09:15:02 -0600 (CST)
From: MAILER-DAEMON@mail.clinic.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {bounce}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F1.1/mail.clinic.example"

This is a MIME-encapsulated message.

--4F1.1/mail.clinic.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<ada@example.com>: host mx.example.com said: 550 5.1.1 No such user (in reply to RCPT TO command)

--4F1.1/mail.clinic.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.clinic.example
X-Postfix-Queue-ID: 4F1
X-Postfix-Sender: rfc822; {bounce}
Arrival-Date: Mon, 07 Dec 2026 09:15:01 -0600 (CST)

Final-Recipient: rfc822; ada@example.com
Original-Recipient: rfc822;ada@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 No such user

--4F1.1/mail.clinic.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: Revival <no-reply@clinic.example>
To: ada@example.com
Subject: Your visit is confirmed

Body.

--4F1.1/mail.clinic.example--
"""

EXIM = """\
Return-path: <>
Envelope-to: {bounce}
X-Failed-Recipients: ada@example.com
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: {bounce}
Content-Type: multipart/report; report-type=delivery-status; boundary=1765-eximdsn-2
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1765-eximdsn-2
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1765-eximdsn-2
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example

Action: failed
Final-Recipient: rfc822;ada@example.com
Status: 5.0.0
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 552 5.2.2 Mailbox full

--1765-eximdsn-2
Content-type: text/rfc822-headers

To: ada@example.com

--1765-eximdsn-2--
"""

EXCHANGE = """\
From: Microsoft Outlook <postmaster@example.com>
To: "bounces@clinic.example" <{bounce}>
Subject: =?utf-8?B?5pyq6YWN5L+h?=: Your visit
Content-Type: multipart/report; differences=Content-Disposition;
\treport-type=delivery-status; boundary="_000_x_"
Content-Language: ja-JP
MIME-Version: 1.0

--_000_x_
Content-Type: multipart/alternative; boundary="_001_x_"

--_001_x_
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

6YWN5L+h44Gn44GN44G+44Gb44KT44Gn44GX44Gf44CC

--_001_x_--

--_000_x_
Content-Type: message/delivery-status

Reporting-MTA: dns;AB1PR01MB0001.prod.exchangelabs.com
Received-From-MTA: dns;mail.clinic.example
Arrival-Date: Mon, 7 Dec 2026 15:15:01 +0000

Final-Recipient: rfc822;ada@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: エイダ

--_000_x_--
"""

INTERNATIONAL = """\
From: postmaster@xn--e1afmkfd.example
To: {bounce}
Content-Type: multipart/report; report-type=global-delivery-status; boundary=r
MIME-Version: 1.0

--r
Content-Type: text/plain; charset=utf-8

Доставка не удалась.

--r
Content-Type: message/global-delivery-status

Reporting-MTA: dns; почта.пример

Final-Recipient: utf-8; ада@пример.example
Action: failed
Status: 5.7.1

--r--
"""


def report(*recipients: str) -> str:
    """A report with these groups of fields and nothing else, as a mail to `{bounce}`."""
    groups = "\n\n".join(["Reporting-MTA: dns; mx.example.com", *recipients])
    return (
        "To: {bounce}\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n"
        f"--r\nContent-Type: message/delivery-status\n\n{groups}\n\n--r--\n"
    )


def about(action: str, status: str) -> str:
    return f"Final-Recipient: rfc822; {PERSON}\nAction: {action}\nStatus: {status}"


FAILED, GAVE_UP = about("failed", "5.1.1"), about("failed", "4.4.7")
DELAYED, DELIVERED, RELAYED = about("delayed", "4.4.1"), about("delivered", "2.1.5"), about("relayed", "2.0.0")

AUTO_REPLY = """\
From: ada@example.com
To: {bounce}
Auto-Submitted: auto-replied
Subject: Out of office

I am away. Action: failed
"""
READ_RECEIPT = """\
To: {bounce}
Content-Type: multipart/report; report-type=disposition-notification; boundary=r

--r
Content-Type: message/disposition-notification

Final-Recipient: rfc822; ada@example.com
Disposition: manual-action/MDN-sent-manually; displayed

--r--
"""
FORWARDED = (
    "To: {bounce}\nContent-Type: multipart/mixed; boundary=f\n\n--f\nContent-Type: message/rfc822\n\n"
    + POSTFIX.replace("{bounce}", "else@clinic.example")
    + "\n--f--\n"
)
EMPTY_REPORT = "To: {bounce}\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r--\n"
NO_ACTION = report(f"Final-Recipient: rfc822; {PERSON}\nStatus: 5.1.1")
BREAKS_THE_PARSER = INTERNATIONAL.replace(
    "Reporting-MTA", "Content-Type: multipart/mixed; boundary=q\n\n--q\n\nx\n--q--\n\nReporting-MTA"
)
CUT_SHORT = POSTFIX.split("Final-Recipient")[0]
DEEP = (
    "To: {bounce}\n"
    + "".join(f"Content-Type: multipart/report; boundary=b{n}\n\n--b{n}\n" for n in range(2000))
    + "Content-Type: text/plain\n\nhello\n"
)
