package antom

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Options is everything a Client needs. Nothing in it has a hidden default but
// RootCAs, NotBefore and Logger.
type Options struct {
	BaseURL        string           // scheme, host and base path, as "https://host/openapi/v2" or "http://10.0.0.9:8344/v2"
	URIPrefix      string           // signed in place of BaseURL's path where a gateway wants that; "" for BaseURL's
	ClientID       string           // for terminals the serial number
	PrivateKey     *PrivateKey      // ours: signs requests, opens answers
	AntomKeys      []*rsa.PublicKey // Antom's: one, or two during a rotation. Any may sign an answer, the first one encrypts
	KeyVersion     int              // of our key, 1 or more
	Encryption     Encryption       // EncryptionRSAAES or EncryptionOff
	Cipher         Cipher           // with EncryptionRSAAES
	SendExtendInfo bool             // whether requests carry extendInfo
	RootCAs        *x509.CertPool   // nil: the system's
	Now            func() time.Time // our clock, best with a monotonic reading
	NotBefore      time.Time        // an earlier clock is wrong and refuses to sign (ErrClock), as the time of the build; zero: any clock signs
	Logger         *slog.Logger     // nil: nothing is logged
}

// check returns all faults at once, and where requests go.
func (o Options) check() (*url.URL, error) {
	base, err := o.checkURL()
	faults := []error{err, o.checkClientID()}
	fault := func(broken bool, format string, args ...any) {
		if broken {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(o.URIPrefix != "" && !isPath(o.URIPrefix), "uri prefix %q must begin with / and be printable ASCII without space, ? and #", o.URIPrefix)
	fault(o.PrivateKey == nil || o.PrivateKey.key == nil, "our private key is missing")
	fault(o.KeyVersion < 1, "key version %d must be 1 or more", o.KeyVersion)
	fault(o.Encryption != EncryptionRSAAES && o.Encryption != EncryptionOff,
		`encryption %q must be "rsa_aes" or "off"`, string(o.Encryption))
	fault(o.Encryption == EncryptionRSAAES && o.Cipher != CipherECB && o.Cipher != CipherCBC && o.Cipher != CipherGCM,
		`cipher %q must be "ecb", "cbc" or "gcm"`, string(o.Cipher))
	fault(o.Now == nil, "the clock is missing")
	faults = append(faults, o.checkKeys()...)
	return base, errors.Join(faults...)
}

func (o Options) checkKeys() []error {
	var faults []error
	if n := len(o.AntomKeys); n < 1 || n > 2 {
		faults = append(faults, fmt.Errorf("%d public keys of Antom's: one is needed, two during a rotation", n))
	}
	if o.PrivateKey != nil && o.PrivateKey.key != nil {
		if err := checkBits(o.PrivateKey.key.N.BitLen()); err != nil {
			faults = append(faults, fmt.Errorf("our private key: %w", err))
		}
	}
	for _, key := range o.AntomKeys {
		if key == nil {
			faults = append(faults, errors.New("antom's public key is missing"))
			continue
		}
		if err := checkBits(key.N.BitLen()); err != nil {
			faults = append(faults, fmt.Errorf("antom's public key: %w", err))
		}
		if o.PrivateKey != nil && o.PrivateKey.key != nil && SamePair(o.PrivateKey, key) {
			faults = append(faults, errors.New("antom's public key is our own public key: take the one that Antom shows, not the one given to Antom"))
		}
	}
	return faults
}

func (o Options) checkClientID() error {
	if o.ClientID == "" || len(o.ClientID) > 128 {
		return errors.New("client id must have 1 to 128 characters: for a terminal its serial number")
	}
	for _, c := range []byte(o.ClientID) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("client id %q must be printable ASCII without spaces", o.ClientID)
		}
	}
	return nil
}

func (o Options) checkURL() (*url.URL, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, errors.New("base url: not a URL")
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Hostname() == "" {
		return nil, errors.New("base url must be https://host/path or http://host/path")
	}
	if base.User != nil || base.RawQuery != "" || base.ForceQuery || strings.Contains(o.BaseURL, "#") {
		return nil, errors.New("base url must be scheme, host and path alone: no user, no query, no fragment")
	}
	if base.Scheme == "http" && o.Encryption == EncryptionOff && !isLoopback(base) {
		return nil, errors.New(`base url is plain http with encryption "off": anyone on the network could read along; use https or encryption "rsa_aes"`)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = strings.TrimRight(base.RawPath, "/")
	return base, nil
}

func isLoopback(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.Unmap().IsLoopback()
}

func isPath(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '?' || c == '#' {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}
