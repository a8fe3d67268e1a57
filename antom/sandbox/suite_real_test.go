package sandbox_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"posagent/antom"
)

const howToNameAGateway = "no gateway is named: set POSAGENT_TEST_BASE_URL, POSAGENT_TEST_CLIENT_ID, " +
	"POSAGENT_TEST_PRIVATE_KEY and POSAGENT_TEST_ANTOM_KEY (key files); README.md of posagent/antom says more"

// TestTheSuiteHoldsForARealGateway runs against the gateway that the environment
// names. It moves money only where POSAGENT_TEST_PAYMENT says which.
func TestTheSuiteHoldsForARealGateway(t *testing.T) {
	if os.Getenv("POSAGENT_TEST_BASE_URL") == "" {
		t.Skip(howToNameAGateway)
	}
	suite(t, realGateway(t))
}

func realGateway(t *testing.T) far {
	t.Helper()
	setting := func(name, otherwise string) string {
		if value := os.Getenv("POSAGENT_TEST_" + name); value != "" {
			return value
		}
		return otherwise
	}
	f := far{Options: antom.Options{
		BaseURL: setting("BASE_URL", ""), URIPrefix: setting("URI_PREFIX", ""), ClientID: setting("CLIENT_ID", ""),
		Encryption:     antom.Encryption(setting("ENCRYPTION", "rsa_aes")),
		Cipher:         antom.Cipher(setting("CIPHER", "ecb")),
		SendExtendInfo: setting("SEND_EXTEND_INFO", "true") == "true",
		Now:            time.Now,
	}}
	var err error
	want := func() {
		if err != nil {
			t.Fatalf("%v (%s)", err, howToNameAGateway)
		}
	}
	f.KeyVersion, err = strconv.Atoi(setting("KEY_VERSION", "1"))
	want()
	f.PrivateKey, err = antom.ReadPrivateKey(setting("PRIVATE_KEY", ""))
	want()
	key, err := antom.ReadPublicKey(setting("ANTOM_KEY", ""))
	want()
	f.AntomKeys = []*rsa.PublicKey{key}
	if path := setting("CA_FILE", ""); path != "" {
		text, err := os.ReadFile(path)
		if f.RootCAs = x509.NewCertPool(); err != nil || !f.RootCAs.AppendCertsFromPEM(text) {
			t.Fatalf("POSAGENT_TEST_CA_FILE: %s holds no certificate (%v)", path, err)
		}
	}
	if text := setting("PAYMENT", ""); text != "" {
		if _, err := fmt.Sscanf(text, "%s %d %s", &f.method, &f.amountMinor, &f.currency); err != nil || f.amountMinor < 1 {
			t.Fatalf("POSAGENT_TEST_PAYMENT is %q, want a method, minor units and a currency, such as %q", text, "ALIPAY_CN 105 SGD")
		}
	}
	return f
}

// The way into the suite by the environment works, so that whoever has a real
// account finds no surprise there.
func TestTheEnvironmentCanNameAGateway(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{
		"private.pem": pkcs8(t, merchantKey()),
		"antom.pem":   spki(t, &antomKey().PublicKey),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := openStandIn(t, modes()["http, gcm"], nil, nil)
	environment := append(os.Environ(), "POSAGENT_TEST_BASE_URL="+f.BaseURL, "POSAGENT_TEST_CLIENT_ID="+terminal,
		"POSAGENT_TEST_PRIVATE_KEY="+filepath.Join(dir, "private.pem"), "POSAGENT_TEST_ANTOM_KEY="+filepath.Join(dir, "antom.pem"),
		"POSAGENT_TEST_CIPHER=gcm")
	for charges, payment := range []string{"", "ALIPAY_CN 105 SGD"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestTheSuiteHoldsForARealGateway$")
		cmd.Env = append(environment, "POSAGENT_TEST_PAYMENT="+payment)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestTheSuiteHoldsForARealGateway/a_payment_that_nobody_made") {
			t.Fatalf("with payment %q: %v\n%s", payment, err, out)
		}
		if ledger := f.standIn.Ledger(); len(ledger) != charges || charges == 1 && ledger[0].RefundedMinor != 105 {
			t.Errorf("with payment %q: got ledger %+v, want %d charges, all given back", payment, ledger, charges)
		}
	}
}

func pkcs8(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func spki(t *testing.T, key *rsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
