package sandbox

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stampLayout is ISO 8601 with milliseconds and a numeric offset, +00:00 and
// never Z (Antom v2, Request-Time).
const stampLayout = "2006-01-02T15:04:05.000-07:00"

// parseStamp reads a Request-Time and refuses every other spelling of a time.
func parseStamp(value string) (time.Time, error) {
	at, err := time.Parse(stampLayout, value)
	if err != nil || at.Format(stampLayout) != value {
		return time.Time{}, fmt.Errorf("Request-Time %q is not like 2019-04-04T12:08:56.253+05:30 "+
			"(milliseconds and a numeric offset, never Z)", value)
	}
	return at, nil
}

// oneHeader returns the only value of a required header.
func oneHeader(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) > 1:
		return "", fmt.Errorf("%s is given %d times", name, len(values))
	case len(values) == 0 || values[0] == "":
		return "", fmt.Errorf("%s is missing", name)
	}
	return values[0], nil
}

// keyedHeader is a Signature or Encrypt header taken apart.
type keyedHeader struct {
	keyVersion int
	value      string // signature or symmetricKey, as on the wire
}

// parseKeyed reads "algorithm=A, keyVersion=N, V=…", the space optional, each
// part split at its first equal sign, in any order and nothing else.
func parseKeyed(name, value, algorithm, valueKey string) (keyedHeader, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(value, ",") {
		key, text, found := strings.Cut(strings.TrimPrefix(part, " "), "=")
		if _, twice := parts[key]; !found || twice {
			return keyedHeader{}, fmt.Errorf("%s has a part without = or one given twice", name)
		}
		parts[key] = text
	}
	if len(parts) != 3 || parts[valueKey] == "" {
		return keyedHeader{}, fmt.Errorf("%s must have algorithm, keyVersion and %s, no more", name, valueKey)
	}
	if parts["algorithm"] != algorithm {
		return keyedHeader{}, fmt.Errorf("%s algorithm must be %s", name, algorithm)
	}
	version, err := strconv.Atoi(parts["keyVersion"])
	if err != nil || version < 1 {
		return keyedHeader{}, fmt.Errorf("%s keyVersion must be a number from 1 up", name)
	}
	return keyedHeader{keyVersion: version, value: parts[valueKey]}, nil
}

// checkContentType wants application/json; charset=UTF-8: the charset takes
// part in the signature, so it must be said.
func checkContentType(h http.Header) error {
	value, err := oneHeader(h, "Content-Type")
	if err != nil {
		return err
	}
	kind, parameters, err := mime.ParseMediaType(value)
	if err != nil || kind != "application/json" || !strings.EqualFold(parameters["charset"], "UTF-8") {
		return fmt.Errorf("Content-Type %q must be application/json; charset=UTF-8", value)
	}
	return nil
}
