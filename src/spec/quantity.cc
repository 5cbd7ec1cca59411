// A quantity is mantissa × 2^b × 10^e with at most 19 significant digits and b at most 60, so mantissa × 2^b always
// fits 128 bits; the grammar is that of apimachinery's resource.Quantity.
#include "spec/quantity.h"

#include <array>
#include <limits>

#include "base/parse.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::size_t kMaxDigits = 19;
constexpr int kMaxExponent = 1000;  // beyond: nothing but overflow or rounding to one

struct Suffix {
  std::string_view letters;
  int two = 0;  ///< power of two
  int ten = 0;  ///< power of ten
};

constexpr std::array<Suffix, 16> kSuffixes = {{{"", 0, 0},
                                               {"n", 0, -9},
                                               {"u", 0, -6},
                                               {"m", 0, -3},
                                               {"k", 0, 3},
                                               {"M", 0, 6},
                                               {"G", 0, 9},
                                               {"T", 0, 12},
                                               {"P", 0, 15},
                                               {"E", 0, 18},
                                               {"Ki", 10, 0},
                                               {"Mi", 20, 0},
                                               {"Gi", 30, 0},
                                               {"Ti", 40, 0},
                                               {"Pi", 50, 0},
                                               {"Ei", 60, 0}}};

/// mantissa × 10^ten, the digits of a quantity.
struct Digits {
  std::uint64_t mantissa = 0;
  int ten = 0;
};

Error wrong(std::string_view text) {
  return error(Kind::invalid, "must be a quantity like 2, 0.5, 500m, 128Mi or 1e3, not ", in_quotes(text));
}

Result<Digits> parse_digits(std::string_view number, std::string_view text) {
  const auto point = number.find('.');
  std::string digits(number.substr(0, point));
  std::size_t fraction = 0;
  if (point != std::string_view::npos) {
    const std::string_view after = number.substr(point + 1, number.find_last_not_of('0') - point);
    digits += after;
    fraction = after.size();
  }
  const auto first = digits.find_first_not_of('0');
  if (first == std::string::npos) return Digits{};
  digits.erase(0, first);
  if (digits.size() > kMaxDigits || fraction > static_cast<std::size_t>(kMaxExponent)) {
    return error(Kind::invalid, "must be a quantity of at most ", kMaxDigits, " digits, not ", in_quotes(text));
  }
  const auto mantissa = parse_integer<std::uint64_t>(digits);
  if (!mantissa) return wrong(text);
  return Digits{*mantissa, -static_cast<int>(fraction)};
}

Result<Suffix> parse_suffix(std::string_view letters, std::string_view text) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.letters == letters) return suffix;
  }
  if (letters[0] != 'e' && letters[0] != 'E') return wrong(text);
  std::string_view exponent = letters.substr(1);
  if (exponent.substr(0, 1) == "+" && exponent.substr(1, 1) != "-") exponent.remove_prefix(1);
  const auto ten = parse_integer<int>(exponent, -kMaxExponent, kMaxExponent);
  if (!ten) return wrong(text);
  return Suffix{{}, 0, *ten};
}

/// ceil(mantissa × 2^two × 10^ten), or nullopt when it does not fit 63 bits.
std::optional<std::int64_t> scale(std::uint64_t mantissa, int two, int ten) {
  constexpr Wide kMost = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  if (mantissa == 0) return 0;
  Wide value = static_cast<Wide>(mantissa) << static_cast<unsigned>(two);
  for (; ten > 0; --ten) {
    value *= 10;
    if (value > kMost) return std::nullopt;
  }
  // Rounding up at every division gives the same as rounding up once.
  for (; ten < 0 && value > 1; ++ten) value = (value + 9) / 10;
  if (value > kMost) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

Result<std::int64_t> parse_quantity(std::string_view text, int unit) {
  std::string_view rest = text;
  if (rest.substr(0, 1) == "-") return error(Kind::invalid, "must not be negative, but is ", in_quotes(text));
  if (rest.substr(0, 1) == "+") rest.remove_prefix(1);
  const auto end = std::min(rest.find_first_not_of("0123456789."), rest.size());
  const std::string_view number = rest.substr(0, end);
  const bool one_point = number.find('.') == number.rfind('.');
  if (!one_point || number.find_first_not_of('.') == std::string_view::npos) return wrong(text);
  const Suffix suffix = TRY(parse_suffix(rest.substr(end), text));
  const Digits digits = TRY(parse_digits(number, text));
  const auto scaled = scale(digits.mantissa, suffix.two, digits.ten + suffix.ten + unit);
  if (!scaled) return error(Kind::invalid, "must be below 2^63 of its unit, but is ", in_quotes(text));
  return *scaled;
}

std::optional<std::string_view> letters_of(const Value& value) {
  if (value.form() == Form::plain || value.form() == Form::text) return value.raw();
  value.refuse("must be a quantity like 2, 0.5, 500m, 128Mi or 1e3");
  return std::nullopt;
}

template <typename Unit>
std::optional<Unit> read(const Value& value, Result<Unit> (*parse)(std::string_view)) {
  const auto letters = letters_of(value);
  if (!letters) return std::nullopt;
  const Result<Unit> quantity = parse(*letters);
  if (quantity) return *quantity;
  value.refuse(quantity.error().sentence());
  return std::nullopt;
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  const std::int64_t count = TRY(parse_quantity(text, 0));
  return Bytes{count};
}

Result<Millicores> parse_millicores(std::string_view text) {
  const std::int64_t count = TRY(parse_quantity(text, 3));
  return Millicores{count};
}

std::optional<Bytes> read_bytes(const Value& value) { return read<Bytes>(value, parse_bytes); }
std::optional<Millicores> read_millicores(const Value& value) { return read<Millicores>(value, parse_millicores); }

}  // namespace tank::spec
