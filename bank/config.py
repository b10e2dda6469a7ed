"""Settings, read once from the environment. No secret has a default: a missing one stops the start."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from environs import Env, EnvError

SECRET_MIN_CHARS = 32
# Values that circulate in examples and tutorials: a production that carries one has no secret.
LOCAL_SECRETS = "secrets.env"
KNOWN_WEAK = ("change-me", "changeme", "secret", "example", "default", "password")


class BankEnv(StrEnum):
    """Where the bank runs: `demo` offers the demo accounts, `production` refuses weak settings."""

    DEMO = "demo"
    PRODUCTION = "production"
    TEST = "test"


class ConfigRefused(RuntimeError):
    """The settings do not allow a start; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings; `.env.example` explains each."""

    database_url: str
    redis_url: str
    secret_key: str
    data_keys: tuple[str, ...]
    public_url: str
    bank_name: str
    env: BankEnv
    var_dir: Path
    host: str
    port: int
    mail_url: str

    @property
    def production(self) -> bool:
        """Whether real people's data is at stake."""
        return self.env is BankEnv.PRODUCTION

    @classmethod
    def from_env(cls) -> "Config":
        """The settings of this process. Raises ConfigRefused."""
        try:
            return cls._read(Env())
        except EnvError as error:
            raise ConfigRefused(f"{error} (see .env.example)") from error

    @classmethod
    def _read(cls, env: Env) -> "Config":
        var_dir = env.path("VAR_DIR", Path("var"))
        if env.str("BANK_ENV", "") != BankEnv.PRODUCTION:
            # What `banque serve` made for itself, so that other commands beside it read the same data.
            env.read_env(var_dir / LOCAL_SECRETS, recurse=False)
        port = env.int("PORT", 8000)
        host = env.str("HOST", "127.0.0.1")
        config = cls(
            database_url=normalise_database_url(env.str("DATABASE_URL", "") or default_database(var_dir)),
            redis_url=env.str("REDIS_URL", ""),
            secret_key=env.str("SECRET_KEY", ""),
            data_keys=tuple(key for key in env.str("DATA_KEY", "").split(",") if key),
            public_url=env.str("PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
            bank_name=env.str("BANK_NAME", "Banque du numérique"),
            env=env.enum("BANK_ENV", BankEnv.DEMO, enum=BankEnv, by_value=True),
            var_dir=var_dir,
            host=host,
            port=port,
            mail_url=env.str("MAIL_URL", ""),
        )
        config.check()
        return config

    def check(self) -> None:
        """Refuse a start that would put data at risk. Raises ConfigRefused."""
        if not self.secret_key or not self.data_keys:
            raise ConfigRefused(
                "SECRET_KEY and DATA_KEY must be set (see .env.example); `make run` makes its own."
            )
        if not self.production:
            return
        weak = [
            name
            for name, value in (("SECRET_KEY", self.secret_key), ("DATA_KEY", self.data_keys[0]))
            if len(value) < SECRET_MIN_CHARS or any(word in value.lower() for word in KNOWN_WEAK)
        ]
        if weak:
            raise ConfigRefused(
                f"{' and '.join(weak)}: too short or a known default; production needs a real secret."
            )
        if not self.public_url.startswith("https://"):
            raise ConfigRefused(
                "PUBLIC_URL must start with https:// in production: cookies are sent over TLS only."
            )
        if not self.redis_url:
            raise ConfigRefused(
                "REDIS_URL must be set in production: the embedded queue is for trying the bank."
            )
        if not self.mail_url:
            raise ConfigRefused("MAIL_URL must be set in production: invitations and resets go by mail.")


def default_database(var_dir: Path) -> str:
    """SQLite under VAR_DIR."""
    return f"sqlite:///{var_dir.resolve() / 'banque.sqlite3'}"


def normalise_database_url(url: str) -> str:
    """`postgres://` and `postgresql://`, as hosts give them, mean psycopg 3 here."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
