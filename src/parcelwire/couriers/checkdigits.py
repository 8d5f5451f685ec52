"""Check digits: one small function for each published rule.

Each function takes a compact number (see ``number.normalise``) and answers whether its check
digit fits; anything that has not the shape the rule is for answers False, never an error.
"From the right" starts at the digit before the check digit. The functions run for nearly every
number that is typed, so they work on slices of bytes, where Python sums at the speed of C.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

_ZERO = ord("0")
_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALNUM_VALUE = {character: value for value, character in enumerate(_ALNUM)}
_CORREOS_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"

# Maps an ASCII digit to the digit sum of its double, for Luhn.
_DOUBLED = bytes(
    (2 * (c - _ZERO)) // 10 + (2 * (c - _ZERO)) % 10 if 48 <= c < 58 else 0 for c in range(256)
)
# Maps an ASCII letter or digit to UPS's value: A = 2, B = 3, ... in tens.
_UPS_VALUE = bytes((c - _ZERO) if 48 <= c < 58 else (c - 63) % 10 for c in range(256))


def _is_digits(number: str) -> bool:
    return number.isascii() and number.isdigit()


def _weigh_alternately(digits: bytes, last_weight: int, other_weight: int) -> int:
    """Sum ASCII digits with alternating weights; the last digit has ``last_weight``."""
    last, other = digits[::-2], digits[-2::-2]
    return (sum(last) - _ZERO * len(last)) * last_weight + (
        sum(other) - _ZERO * len(other)
    ) * other_weight


def _s10_check_digit(serial: str) -> int:
    weighted = (
        8 * int(serial[0])
        + 6 * int(serial[1])
        + 4 * int(serial[2])
        + 2 * int(serial[3])
        + 3 * int(serial[4])
        + 5 * int(serial[5])
        + 9 * int(serial[6])
        + 7 * int(serial[7])
    )
    check = 11 - weighted % 11
    return 0 if check == 10 else 5 if check == 11 else check


def fits_s10(number: str) -> bool:
    """UPU S10-12: the serial x 8 6 4 2 3 5 9 7, then 11 minus sum mod 11; 10 is 0, 11 is 5."""
    digits = number[2:11]
    if len(number) != 13 or len(digits) != 9 or not _is_digits(digits):
        return False
    return _s10_check_digit(digits) == int(digits[8])


def fits_gs1(number: str) -> bool:
    """GS1 mod 10 (General Specifications 7.9): 3, 1, 3 ... from the right tops up to ten.

    SSCC, USPS, FedEx Ground, Canada Post, Poczta Polska and many more.
    """
    if len(number) < 2 or not _is_digits(number):
        return False
    return _weigh_alternately(number.encode(), 1, 3) % 10 == 0


def fits_sscc(number: str) -> bool:
    """GS1 serial shipping container code behind its identifier 00: 20 digits, GS1 mod 10."""
    return len(number) == 20 and number.startswith("00") and fits_gs1(number)


def fits_fedex_96(number: str) -> bool:
    """FedEx Ground label specification: ``96`` and 20 digits, GS1 over the last 15 only."""
    return len(number) == 22 and number.startswith("96") and fits_gs1(number[7:])


def fits_usps_without_channel(number: str) -> bool:
    """USPS 20 digits that stand for a 22-digit number without its ``91``: GS1 with it in front."""
    return len(number) == 20 and fits_gs1("91" + number)


def fits_smartpost(number: str) -> bool:
    """FedEx SmartPost 20 digits, printed without the ``92`` of the USPS number: GS1 with it."""
    return len(number) == 20 and fits_gs1("92" + number)


def fits_usps_routed(number: str) -> bool:
    """USPS Publication 199: ``420`` and a ZIP of 5 or 9 digits stand outside the GS1 check."""
    if not number.startswith("420"):
        return False
    return any(
        len(number) - skip in (20, 22, 26) and number[skip] in "9" and fits_gs1(number[skip:])
        for skip in (8, 12)
    )


def fits_colissimo(number: str) -> bool:
    """La Poste, Colissimo label guide: GS1 over the ten digits behind the two-character product."""
    return len(number) == 13 and fits_gs1(number[2:])


def fits_hermes_de(number: str) -> bool:
    """Hermes Germany, 14 digits: 3, 1, 3 ... from the left over 13 (the EAN scheme, GS1)."""
    return len(number) == 14 and fits_gs1(number)


def fits_gls(number: str) -> bool:
    """GLS 12 digits (paketda.de, "Paket-Pruefziffern"): GS1 with one added to the sum."""
    if len(number) != 12 or not _is_digits(number):
        return False
    return (_weigh_alternately(number.encode(), 1, 3) + 1) % 10 == 0


def fits_identcode(number: str) -> bool:
    """Deutsche Post Identcode, 12 digits: 4, 9, 4 ... from the left tops up to ten."""
    if len(number) != 12 or not _is_digits(number):
        return False
    return _weigh_alternately(number[:11].encode(), 4, 9) % 10 == -int(number[11]) % 10


def fits_ups(number: str) -> bool:
    """UPS ``1Z``: 15 characters (A = 2, B = 3 ... mod 10), weights 1, 2 ... top up to ten."""
    if len(number) != 18 or not number.startswith("1Z") or not number.isascii():
        return False
    values = number[2:].encode().translate(_UPS_VALUE)
    total = sum(values[:15:2]) + 2 * sum(values[1:15:2]) + values[15]
    return number[17].isdigit() and total % 10 == 0


def fits_ups_waybill(number: str) -> bool:
    """UPS waybill, a letter and ten digits: the UPS rule over the nine digits behind the letter."""
    digits = number[1:]
    if len(number) != 11 or not _is_digits(digits):
        return False
    values = digits.encode().translate(_UPS_VALUE)
    return (sum(values[:9:2]) + 2 * sum(values[1:9:2]) + values[9]) % 10 == 0


def fits_ontrac(number: str) -> bool:
    """OnTrac ``C`` or ``D`` and 14 digits: the UPS rule with C counted as 4 and D as 5."""
    if len(number) != 15 or number[0] not in "CD" or not _is_digits(number[1:]):
        return False
    values = number.encode().translate(_UPS_VALUE)
    return (sum(values[:14:2]) + 2 * sum(values[1:14:2]) + values[14]) % 10 == 0


def fits_evri(number: str) -> bool:
    """Evri, 16 characters: UPS letter values, weights 2, 1 ... over 15; sum mod 10 is the last."""
    if len(number) != 16 or not number.isascii() or not number[15].isdigit():
        return False
    values = number.encode().translate(_UPS_VALUE)
    return (2 * sum(values[:15:2]) + sum(values[1:15:2])) % 10 == values[15]


def fits_mod7(number: str) -> bool:
    """The number before the last digit, mod 7, is the last digit.

    DHL Express, Yamato and Sagawa ("7DR"), Japan Post, Blue Dart, Aramex. Weak alone: one random
    number in seven has a fitting remainder, and 7, 8, 9 never end such a number.
    """
    if len(number) < 2 or not _is_digits(number):
        return False
    return int(number[:-1]) % 7 == int(number[-1])


def fits_tnt(number: str) -> bool:
    """TNT ExpressConnect consignment, 9 digits: mod 7, or the S10 rule over the first eight."""
    if len(number) != 9 or not _is_digits(number):
        return False
    return fits_mod7(number) or _s10_check_digit(number) == int(number[8])


def _fedex_check_digit(digits: bytes) -> int:
    """Answer the FedEx check digit: from the right 1, 3, 7, 1, 3, 7 ...; mod 11, then mod 10."""
    ones, threes, sevens = digits[::-3], digits[-2::-3], digits[-3::-3]
    total = sum(ones) + 3 * sum(threes) + 7 * sum(sevens)
    total -= _ZERO * (len(ones) + 3 * len(threes) + 7 * len(sevens))
    return total % 11 % 10


def fits_fedex(number: str) -> bool:
    """FedEx 12 digits: 3 1 7 3 1 7 ... over eleven, mod 11, mod 10."""
    if len(number) != 12 or not _is_digits(number):
        return False
    data = number.encode()
    return _fedex_check_digit(data[:11]) == data[11] - _ZERO


def fits_fedex_34(number: str) -> bool:
    """FedEx 1D bar code, 34 digits: 1 7 3 ... over the 13 before the last, mod 11, mod 10."""
    if len(number) != 34 or not _is_digits(number):
        return False
    data = number.encode()
    return _fedex_check_digit(data[20:33]) == data[33] - _ZERO


def fits_fedex_32(number: str) -> bool:
    """FedEx ASTRA bar code, 32 digits: the 12-digit number stands at places 17 to 28."""
    return len(number) == 32 and fits_fedex(number[16:28])


def fits_luhn(number: str) -> bool:
    """ISO/IEC 7812 (Luhn): every second digit from the right is doubled.

    Purolator, Old Dominion.
    """
    if len(number) < 2 or not _is_digits(number):
        return False
    data = number.encode()
    plain = data[::-2]
    return (sum(plain) - _ZERO * len(plain) + sum(data[-2::-2].translate(_DOUBLED))) % 10 == 0


def iso7064_mod_37_36(payload: str) -> str:
    """Answer the ISO/IEC 7064 MOD 37,36 check character of letters and digits."""
    remainder = 36
    for character in payload:
        remainder = (remainder + _ALNUM_VALUE[character]) % 36 or 36
        remainder = remainder * 2 % 37
    return _ALNUM[(37 - remainder) % 36]


def fits_mod_37_36(number: str) -> bool:
    """ISO/IEC 7064 MOD 37,36: DPD 15 and 28 characters, La Poste 870/880, Chronopost 15."""
    if len(number) < 2 or not (number.isascii() and number.isalnum() and number == number.upper()):
        return False
    return iso7064_mod_37_36(number[:-1]) == number[-1]


def fits_sf(number: str) -> bool:
    """SF Express, 12 digits or ``SF`` + 13: behind the three-digit area, from the right 1, 3, 5 ...

    Each product adds its tens and its units; the sum tops up to ten.
    """
    digits = number.removeprefix("SF")
    if len(digits) - len(number) not in (0, -2) or not _is_digits(digits):
        return False
    if len(digits) != (13 if number.startswith("SF") else 12):
        return False
    total = int(digits[-1])
    for position, digit in enumerate(digits[-2:2:-1]):
        product = int(digit) * (2 * position + 1)
        total += product // 10 + product % 10
    return total % 10 == 0


def fits_correos(number: str) -> bool:
    """Correos (Spain): the codes of all characters before the letter, mod 23, name the letter."""
    if len(number) < 2 or not number.isascii():
        return False
    return _CORREOS_LETTERS[sum(number[:-1].encode()) % 23] == number[-1]


def _mod11_digit(digits: str) -> int:
    """Weights 2 to 7 cycling from the right, 11 minus sum mod 11; 10 and 11 are 0."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits)))
    check = 11 - total % 11
    return 0 if check >= 10 else check


def fits_mondial_relay(number: str) -> bool:
    """Mondial Relay label specification 2.4, 26 digits.

    Brand 2, shipment 8, rank 2, count 2, check, routing 10, check; the rank is at most the count.
    """
    if len(number) != 26 or not _is_digits(number):
        return False
    rank, count = int(number[10:12]), int(number[12:14])
    return (
        0 < rank <= count
        and _mod11_digit(number[:14]) == int(number[14])
        and _mod11_digit(number[15:25]) == int(number[25])
    )


def fits_ukrposhta(number: str) -> bool:
    """Ukrposhta domestic bar code, 13 digits: weights 2 to 7 from the right, mod 11."""
    if len(number) != 13 or not _is_digits(number):
        return False
    return _mod11_digit(number[:12]) == int(number[12])


class CheckRule:
    """A check rule as the format table names it."""

    __slots__ = ("fits", "one_in", "sentence")

    def __init__(self, fits: Callable[[str], bool], one_in: float, sentence: str) -> None:
        """``one_in``: of how many random numbers of the shape one passes."""
        self.fits = fits
        self.one_in = one_in
        self.sentence = sentence


CHECK_RULES: Mapping[str, CheckRule] = MappingProxyType(
    {
        "s10": CheckRule(fits_s10, 10, "S10 check digit fits"),
        "gs1": CheckRule(fits_gs1, 10, "GS1 check digit fits"),
        "sscc": CheckRule(fits_sscc, 10, "SSCC check digit fits"),
        "fedex-96": CheckRule(fits_fedex_96, 10, "FedEx Ground check digit fits"),
        "smartpost": CheckRule(fits_smartpost, 10, "USPS check digit fits with 92 in front"),
        "usps-91": CheckRule(
            fits_usps_without_channel, 10, "USPS check digit fits with 91 in front"
        ),
        "usps-420": CheckRule(fits_usps_routed, 10, "USPS check digit fits behind the ZIP code"),
        "colissimo": CheckRule(fits_colissimo, 10, "Colissimo check digit fits"),
        "hermes-de": CheckRule(fits_hermes_de, 10, "Hermes check digit fits"),
        "gls": CheckRule(fits_gls, 10, "GLS check digit fits"),
        "identcode": CheckRule(fits_identcode, 10, "Deutsche Post Identcode check digit fits"),
        "ups": CheckRule(fits_ups, 10, "UPS check digit fits"),
        "ups-waybill": CheckRule(fits_ups_waybill, 10, "UPS waybill check digit fits"),
        "ontrac": CheckRule(fits_ontrac, 10, "OnTrac check digit fits"),
        "evri": CheckRule(fits_evri, 10, "Evri check digit fits"),
        "mod7": CheckRule(fits_mod7, 10, "check digit (remainder by seven) fits"),
        "tnt": CheckRule(fits_tnt, 5.3, "TNT check digit fits"),
        "fedex": CheckRule(fits_fedex, 10, "FedEx check digit fits"),
        "fedex-34": CheckRule(fits_fedex_34, 10, "FedEx check digit fits"),
        "fedex-32": CheckRule(fits_fedex_32, 10, "FedEx check digit fits"),
        "luhn": CheckRule(fits_luhn, 10, "Luhn check digit fits"),
        "mod-37-36": CheckRule(fits_mod_37_36, 36, "ISO 7064 check character fits"),
        "sf": CheckRule(fits_sf, 10, "SF check digit fits"),
        "correos": CheckRule(fits_correos, 23, "Correos check letter fits"),
        "mondial-relay": CheckRule(fits_mondial_relay, 200, "both Mondial Relay check digits fit"),
        "ukrposhta": CheckRule(fits_ukrposhta, 10, "Ukrposhta check digit fits"),
    }
)
