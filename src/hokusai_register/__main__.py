"""`python -m hokusai_register`: the command without its script."""

from hokusai_register.app import main

main()
