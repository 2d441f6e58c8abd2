"""Writes the correctly rounded lines of functions.txt: python3 functions.py

Every value is computed to 60 digits with Python's decimal module and rounded once, to the nearest double, so the lines
depend on no C library.
"""
from decimal import Decimal, getcontext

getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


def series(x, first):
    """sin (first=1) or cos (first=0) by Taylor's series, after taking out whole turns."""
    getcontext().prec = 100
    x = x % (2 * PI)
    term = x if first else Decimal(1)
    total, n = term, first
    while abs(term) > Decimal(10) ** -90:
        n += 2
        term = -term * x * x / (n * (n - 1))
        total += term
    getcontext().prec = 60
    return +total


FUNCTIONS = {
    "exp": (lambda x: x.exp(), [-1, 0.5, 2.5, -0.1, 10, -20.25, 100, 700, 1e-10]),
    "ln": (lambda x: x.ln(), [2, 10, 0.5, 3.7, 1e-10, 1e10, 1.0000001, 123456.789, 5e-324]),
    "log10": (lambda x: x.log10(), [2, 5, 0.3, 7.25, 123456.789, 1e-7]),
    "sin": (lambda x: series(x, 1), [0.5, 1, 2, -1.25, 3, 10, 100.5, 1e5]),
    "cos": (lambda x: series(x, 0), [0.5, 1, 2, -1.25, 3, 10, 100.5, 1e5]),
}
POWERS = [(2, 0.5), (10, -3), (1.5, 2.5), (0.1, 3), (3, 0.3333333333333333), (1.0000001, 1000000), (123.456, 1.5), (2.5, 10.25)]

# The argument is the double that the decimal text stands for, not the text.
for name, (f, arguments) in FUNCTIONS.items():
    for x in arguments:
        print(f"{name}(a) | a={x!r} | {float(f(Decimal(float(x))))!r}")
for x, y in POWERS:
    value = (Decimal(float(y)) * Decimal(float(x)).ln()).exp()
    print(f"power(a, b) | a={x!r}, b={y!r} | {float(value)!r}")
