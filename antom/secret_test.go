package antom

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const testReceipt = `{"pan":"400000******0002"}`

// printed returns everything that printing and logging makes of v.
func printed(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	fmt.Fprintln(&out, v)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("v", "v", v, slog.Group("g", "v", v))
	}
	if b, err := json.Marshal(v); err == nil { // functions and channels do not encode
		out.Write(b)
	}
	return out.String()
}

func TestSecretsCannotBePrinted(t *testing.T) {
	g := newGateway(t)
	var logged bytes.Buffer
	g.speak = func(s *spoken) {
		text, _ := json.Marshal(testReceipt)
		s.plain = `{"result":{"resultStatus":"S"},"paymentId":"P1","paymentReceipt":{"cashierReceipt":` + string(text) + `,"customerReceipt":` + string(text) + `}}`
	}
	c := g.client(func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	resp, err := c.Pay(testContext(t), testPay())
	if err != nil {
		t.Fatal(err)
	}
	if resp.PaymentReceipt.CashierReceipt.Reveal() != testReceipt {
		t.Fatalf("Reveal: got %q", resp.PaymentReceipt.CashierReceipt.Reveal())
	}
	m, err := c.prepare(operation{"pay", "/payments/pay"}, testPay(), testNow)
	if err != nil {
		t.Fatal(err)
	}
	g.speak = func(s *spoken) { s.signer = testPairs().stranger }
	_, failure := c.Pay(testContext(t), testPay())

	key := testPairs().ours
	secrets := map[string]string{
		"receipt":       "400000",
		"signature":     m.sign.Reveal()[:40],
		"message key":   m.key.Reveal()[:40],
		"exponent":      key.D.String()[:30],
		"exponent, hex": fmt.Sprintf("%x", key.D)[:30],
		"prime":         key.Primes[0].String()[:30],
		"private PEM":   strings.Split(string(must(EncodePrivateKey(&PrivateKey{key}))), "\n")[3],
		"exponent, b64": base64.StdEncoding.EncodeToString(key.D.Bytes())[:30],
	}
	opts := c.opts
	opts.AntomKeys = nil // public, and full of digits
	for name, v := range map[string]any{
		"response": resp, "*response": &resp, "receipts": resp.PaymentReceipt, "receipt": resp.PaymentReceipt.CashierReceipt,
		"private key": PrivateKey{key}, "*private key": &PrivateKey{key}, "options": opts, "*options": &opts,
		"client": c, "*client": &c, "signature": m.sign, "message key": m.key,
		"nested": struct{ r, k any }{resp, opts.PrivateKey}, "hidden": struct{ r Receipt }{resp.PaymentReceipt.CashierReceipt},
		"hidden key": struct{ k *PrivateKey }{opts.PrivateKey}, "list": []Receipt{resp.PaymentReceipt.CashierReceipt},
		"error": failure, "logged": logged.String(),
	} {
		text := printed(t, v)
		for what, needle := range secrets {
			if strings.Contains(text, needle) || strings.Contains(text, fmt.Sprintf("%x", needle)) {
				t.Errorf("printing %s tells the %s", name, what)
			}
		}
	}
	if !strings.Contains(logged.String(), "resultStatus=S") {
		t.Errorf("the answer was not logged: %s", logged.String())
	}
	if !errors.Is(failure, ErrSignature) {
		t.Errorf("got %v", failure)
	}
}

func TestReceiptIsReadFromJSONAndNeverWritten(t *testing.T) {
	var r PaymentReceipt
	if err := json.Unmarshal([]byte(`{"cashierReceipt":"text"}`), &r); err != nil || r.CashierReceipt.Reveal() != "text" || r.CustomerReceipt.Reveal() != "" {
		t.Errorf("got %q, %v", r.CashierReceipt.Reveal(), err)
	}
	got, err := json.Marshal(r.CashierReceipt)
	if want := `"[receipt withheld]"`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
