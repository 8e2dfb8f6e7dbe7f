"""`python -m twittomatic` is the command `twittomatic`."""

from twittomatic.cli import main

if __name__ == "__main__":
    main()
