package sandbox_test

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"posagent/antom/sandbox"
)

// tapped is a listener whose connections keep what goes over them.
type tapped struct {
	net.Listener
	wire *lines
}

func (l tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return tap{conn, l.wire}, err
}

type tap struct {
	net.Conn
	wire *lines
}

func (c tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	_, _ = c.wire.Write(b[:n])
	return n, err
}

func (c tap) Write(b []byte) (int, error) {
	_, _ = c.wire.Write(b)
	return c.Conn.Write(b)
}

// Both sides log all they have to say, through the whole book, in both formats:
// none of the values that really went over the wire may be in it.
func TestTheLogsOfAFullRunTellNoSecret(t *testing.T) {
	ln, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wire, text, asJSON := &lines{}, &lines{}, &lines{}
	all := &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(text, all), slog.NewJSONHandler(asJSON, all)))
	f := openStandIn(t, modes()["http, ecb"], tapped{ln, wire}, func(o *sandbox.Options) { o.Logger = log })
	f.Logger = log
	s := openStory(t, f)
	s.throughTheBook()

	key := merchantKey()
	log.Info("careless", "key", f.PrivateKey, "client", s.c, "error", failure(s))
	secrets := secretsOf(t, s, wire.String())
	secrets["our private key"] = []string{key.D.String(), fmt.Sprintf("%x", key.D), strings.Split(string(pkcs8(t, key)), "\n")[3]}
	for what, values := range secrets {
		if len(values) == 0 {
			t.Errorf("the run had no %s", what)
		}
		for format, logged := range map[string]string{"text": text.String(), "JSON": asJSON.String()} {
			if slices.ContainsFunc(values, func(value string) bool { return tells(logged, value) }) {
				t.Errorf("the %s log tells a %s", format, what)
			}
		}
	}
	if n := strings.Count(text.String(), "antom answered"); n < 50 || strings.Count(asJSON.String(), "antom answered") != n {
		t.Errorf("%d answers were logged: the run was not a full one", n)
	}
}

// failure is an error of the client's, as it would be logged.
func failure(s *story) error {
	if err := s.standIn.Arm(sandbox.Plan{Name: "wrong_key", Path: pay}); err != nil {
		s.t.Fatal(err)
	}
	_, err := s.ask(pay, fresh(), false)
	return err
}

// tells looks for a secret, and for a good part of it, in every spelling of a log.
func tells(logged, value string) bool {
	part := value[:min(len(value), 40)]
	return strings.Contains(logged, part) || strings.Contains(logged, url.QueryEscape(part)) ||
		strings.Contains(logged, fmt.Sprintf("%q", part)[1:]) || strings.Contains(logged, fmt.Sprintf("%x", part))
}

// secretsOf takes everything secret out of what went over the wire.
func secretsOf(t *testing.T, s *story, wire string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, m := range regexp.MustCompile(`(signature|symmetricKey)=([A-Za-z0-9%+/=]+)`).FindAllStringSubmatch(wire, -1) {
		plain, err := url.PathUnescape(m[2])
		if err != nil {
			t.Fatal(err)
		}
		found[m[1]] = append(found[m[1]], m[2], plain)
		if m[1] == "symmetricKey" {
			found["key of a message"] = append(found["key of a message"], messageKeys(plain)...)
		}
	}
	for _, r := range s.receipts {
		if r != "" {
			found["receipt"] = append(found["receipt"], r, strings.TrimPrefix(r, `{"amount":`))
		}
	}
	found["receipt"] = append(found["receipt"], "NO MONEY HAS MOVED")
	for _, kind := range []string{"signature", "symmetricKey", "key of a message", "receipt"} {
		if len(found[kind]) < 20 {
			t.Errorf("the wire has only %d of %s", len(found[kind]), kind)
		}
	}
	return found
}

// messageKeys opens a symmetricKey with whoever's key fits.
func messageKeys(wrapped string) (keys []string) {
	raw, _ := base64.StdEncoding.DecodeString(wrapped)
	for _, key := range []*rsa.PrivateKey{merchantKey(), antomKey()} {
		if plain, err := rsa.DecryptPKCS1v15(nil, key, raw); err == nil {
			keys = append(keys, string(plain), base64.StdEncoding.EncodeToString(plain))
		}
	}
	return keys
}
