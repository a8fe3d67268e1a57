package antom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxValueMinor is the largest amount of the API (Antom v2, Amount).
const maxValueMinor = 2147483647

// Amount is a sum of money, 0…2147483647 minor units of its currency. The zero
// Amount, without a currency, stands for a member that was absent.
type Amount struct {
	ValueMinor int64  `json:"value"`    // in the currency's minor unit, as cents
	Currency   string `json:"currency"` // ISO 4217, three upper-case letters
}

// UnmarshalJSON reads the value from a JSON integer or from digits in a string
// (Antom v1 writes those). Fractions, exponents and signs are refused.
func (a *Amount) UnmarshalJSON(b []byte) error {
	o, ok := members(b) // encoding/json has found it valid
	if !ok {
		return errors.New("amount: not an object")
	}
	value, err := digits(o.text("value"))
	if err != nil {
		return err
	}
	currency := strings.ToUpper(o.word("currency"))
	if !isCurrency(currency) {
		return fmt.Errorf("amount: currency %q is not three letters", clip(currency, 16))
	}
	*a = Amount{ValueMinor: value, Currency: currency}
	return nil
}

// digits reads 0…2147483647. Anything but digits is refused, so that no
// fraction is ever rounded into an amount.
func digits(s string) (int64, error) {
	if s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("amount: value %q is not a whole number of minor units", clip(s, 32))
	}
	value, err := strconv.ParseInt(s, 10, 64)
	if err != nil || value > maxValueMinor {
		return 0, fmt.Errorf("amount: value %s is beyond %d", s, maxValueMinor)
	}
	return value, nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
