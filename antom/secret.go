package antom

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// secret holds a text that must not be printed: a signature, a wrapped key, a
// receipt. The text sits behind a pointer, so that even a print of a struct
// with such a field unexported shows an address and not the text.
type secret struct {
	kind string
	text *string
}

func newSecret(kind, text string) secret { return secret{kind: kind, text: &text} }

// Reveal returns the text itself.
func (s secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns a placeholder.
func (s secret) String() string { return withheld(s.kind) }

// GoString returns a placeholder.
func (s secret) GoString() string { return s.String() }

// Format prints a placeholder under every verb.
func (s secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue logs a placeholder.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText encodes a placeholder: what is encoded may be on its way to a log.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func withheld(kind string) string {
	if kind == "" {
		kind = "secret"
	}
	return "[" + kind + " withheld]"
}

// Receipt is the text of a receipt, which may hold parts of a card number. It
// prints, logs and encodes as a placeholder; Reveal gives the text, which is
// JSON inside a string and empty for QR payments (Antom v2, pay).
type Receipt struct{ secret }

// NewReceipt returns text as a Receipt.
func NewReceipt(text string) Receipt { return Receipt{newSecret("receipt", text)} }

// UnmarshalJSON reads a JSON string.
func (r *Receipt) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*r = NewReceipt(text)
	return nil
}
