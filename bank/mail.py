"""One outgoing mail, over real SMTP; without `MAIL_URL` it is written to VAR_DIR/mail as an .eml to look at."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from flask import current_app

from bank.config import Config

TIMEOUT_S = 20


def send(to: str, subject: str, body: str, *, message_id: str) -> None:
    """Send plain text to one address.

    `message_id` is the job's: a mail sent twice after a crash carries the same one, so that it shows once.
    Raises OSError or smtplib.SMTPException when the mail was not taken; the job is tried again.
    """
    config: Config = current_app.config["BANK"]
    host = urlsplit(config.public_url).hostname or "localhost"
    message = EmailMessage()
    message["From"] = Address(config.bank_name, "ne-pas-repondre", host if "." in host else f"{host}.invalid")
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{message_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    if config.mail_url:
        _over_smtp(config.mail_url, message)
    else:
        folder = config.var_dir / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{message_id}.eml").write_bytes(bytes(message))


def _over_smtp(url: str, message: EmailMessage) -> None:
    """`smtp://user:password@host:port` (STARTTLS where offered) or `smtps://…`."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
    with server:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
