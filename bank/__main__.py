"""`python -m bank` is the `banque` command."""

from bank.cli import main

if __name__ == "__main__":
    main()
