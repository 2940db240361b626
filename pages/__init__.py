"""The pages of the app."""

# Altair asks whether a value is one of pandas' as soon as anybody has begun to import it; two
# visitors who open a fresh process together would then meet half a module. So: whole, and first.
import pandas  # noqa: F401
