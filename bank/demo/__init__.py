"""The demo bank of Val-d'Oise: invented people at real kinds of places, made by the same actions as the screens.

`people.py` says who is there and at what prices, `history.py` what they did in six months, `opening.py` makes both;
`scale.py` adds as many devices as a load test wants. Refused in production.
"""

from bank.demo.opening import is_empty, load
from bank.demo.people import ACCOUNTS, PASSWORD, Account
from bank.demo.scale import grow

__all__ = ["ACCOUNTS", "PASSWORD", "Account", "grow", "is_empty", "load"]
