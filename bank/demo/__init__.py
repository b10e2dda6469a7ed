"""The demo bank of Val-d'Oise: invented people at real kinds of places, made by the same actions as the screens.

`people.py` says who is there and at what prices, `history.py` what they did in six months, `opening.py` makes both;
"""

from bank.demo.opening import is_empty, load
from bank.demo.people import ACCOUNTS, PASSWORD, Account

__all__ = ["ACCOUNTS", "PASSWORD", "Account", "is_empty", "load"]
