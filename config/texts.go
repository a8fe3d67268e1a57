package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// printable takes what a register's name may consist of (register-link §3,
// initConnection): the characters 20 to 7E.
func printable(s string) (string, error) {
	for _, c := range s {
		if c < 0x20 || c > 0x7e {
			return "", fmt.Errorf("want letters, digits, signs and spaces of ASCII, got %s", quoted(s))
		}
	}
	return s, nil
}

// word takes printable characters without a space: what goes into a header.
func word(s string) (string, error) {
	if _, err := printable(s); err != nil || strings.Contains(s, " ") {
		return "", fmt.Errorf("want letters, digits and signs of ASCII without a space, got %s", quoted(s))
	}
	return s, nil
}

// baseURL takes scheme, host and base path, and drops one slash at the end.
func baseURL(s string) (string, error) {
	if strings.Contains(s, "@") { // may hold a password: not repeated
		return "", errors.New("leave user and password out: requests are signed instead")
	}
	u, err := url.Parse(s)
	if _, odd := word(s); odd != nil || err != nil || !isWebAddress(u) {
		return "", fmt.Errorf(`want scheme, host and base path, such as "https://host/openapi/v2", got %s`, quoted(s))
	}
	if strings.ContainsAny(s, "?#") {
		return "", fmt.Errorf("leave off what starts with ? or #, got %s", quoted(s))
	}
	path, err := cleanPath(u)
	if err != nil {
		return "", err
	}
	for _, call := range []string{"/payments", "/payments/pay", "/payments/inquiryPayment", "/payments/refund", "/payments/inquiryRefund", "/device", "/device/diagnosis"} {
		if strings.HasSuffix(path, call) {
			return "", fmt.Errorf("leave off %q at the end: each call appends its own", call)
		}
	}
	u.Path = path
	return u.String(), nil
}

func isWebAddress(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// uriPrefix takes a path to sign in place of the base path. "/" alone would
// become empty, which means something else.
func uriPrefix(s string) (string, error) {
	u, err := url.Parse(s)
	if _, odd := word(s); odd != nil || err != nil || u.Path == "/" || u.Host != "" || !strings.HasPrefix(s, "/") || strings.ContainsAny(s, "?#") {
		return "", fmt.Errorf(`want a path such as "/openapi/v2", got %s`, quoted(s))
	}
	return cleanPath(u)
}

// cleanPath refuses paths that somebody on the way could spell in another
// manner, since the path is signed, and drops one slash at the end.
func cleanPath(u *url.URL) (string, error) {
	if u.EscapedPath() != u.Path {
		return "", fmt.Errorf("write the path without %% and special characters, got %s", quoted(u.EscapedPath()))
	}
	path := strings.TrimSuffix(u.Path, "/")
	for i, part := range strings.Split(path, "/") {
		if i > 0 && part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("write the path without //, . and .., got %s", quoted(u.Path))
		}
	}
	return path, nil
}
