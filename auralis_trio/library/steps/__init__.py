"""The steps of the chain of migrations, from the third on: one module each."""
