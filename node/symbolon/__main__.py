"""`python -m symbolon`."""

from symbolon.cli.main import main

if __name__ == "__main__":
    main()
