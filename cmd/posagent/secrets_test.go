package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"posagent/antom/sandbox"
)

// relay passes connections on to another address and keeps what goes over them.
func (s *shop) relay(to string, wire io.Writer) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	s.background("the relay", func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
		defer stop()
		var open sync.WaitGroup
		defer open.Wait()
		for {
			near, err := ln.Accept()
			if err != nil {
				return ignoreClosed(err)
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				return err
			}
			shut := context.AfterFunc(ctx, func() { _ = near.Close(); _ = far.Close() })
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				open.Go(func() {
					_, _ = io.Copy(io.MultiWriter(way[0], wire), way[1])
					_, _ = near.Close(), far.Close()
					shut()
				})
			}
		}
	})
	return ln.Addr().String()
}

// The agent logs all it has to say, in both formats, through sales that go well,
// are declined, forged, lost and found again: nothing secret that really went over
// the wire to Antom is in it.
func TestTheLogOfAFullRunTellsNoSecret(t *testing.T) {
	s := openShop(t, quick)
	settings, err := loadSettings(s.site.configFile())
	must(t, err)
	base, err := url.Parse(settings.Antom.BaseURL)
	must(t, err)
	wire, asJSON := &lockedBuffer{}, &lockedBuffer{}
	base.Host = s.relay(base.Host, wire)
	settings.Antom.BaseURL = base.String()
	all := &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(s.log, all), slog.NewJSONHandler(asJSON, all)))
	s.background("the agent", func(ctx context.Context) error { return serve(ctx, settings, log) })

	till := s.till()
	for i, name := range []string{"", "decline", "wrong_key", "forged_decline", "close_after", "cut_answer", "in_progress", "wrong_encryption"} {
		id := fmt.Sprintf("R%d", i)
		if name != "" {
			s.arm(sandbox.Plan{Name: name, ID: id})
		}
		s.wantAgree(s.sell(till, id, 1050))
	}
	for what, values := range s.secretsOn(wire.String()) {
		for format, logged := range map[string]string{"text": s.log.String(), "JSON": asJSON.String()} {
			for _, value := range values {
				if part := value[:min(len(value), 40)]; strings.Contains(logged, part) || strings.Contains(logged, fmt.Sprintf("%x", part)) {
					t.Fatalf("the %s log tells a %s", format, what)
				}
			}
		}
	}
	if !strings.Contains(s.log.String(), "antom answered") || !strings.Contains(asJSON.String(), "no valid signature") {
		t.Error("the run was not logged in full")
	}
}

// secretsOn takes everything secret out of what went over the wire.
func (s *shop) secretsOn(wire string) map[string][]string {
	s.t.Helper()
	pemText, err := os.ReadFile(filepath.Join(s.dir, siteOurKey))
	must(s.t, err)
	block, _ := pem.Decode(pemText)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(s.t, err)
	ours := parsed.(*rsa.PrivateKey)
	found := map[string][]string{
		"private key": {strings.Split(string(pemText), "\n")[3], ours.D.String(), fmt.Sprintf("%x", ours.D)},
		"receipt":     {"NO MONEY HAS MOVED", "CASHIER", "CUSTOMER"},
	}
	for _, m := range regexp.MustCompile(`(signature|symmetricKey)=([A-Za-z0-9%+/=]+)`).FindAllStringSubmatch(wire, -1) {
		plain, err := url.PathUnescape(m[2])
		must(s.t, err)
		found[m[1]] = append(found[m[1]], m[2], plain)
		raw, _ := base64.StdEncoding.DecodeString(plain)
		for _, holder := range []*rsa.PrivateKey{ours, s.site.antomKey} {
			if key, err := rsa.DecryptPKCS1v15(rand.Reader, holder, raw); err == nil && m[1] == "symmetricKey" {
				found["message key"] = append(found["message key"], string(key))
			}
		}
	}
	for _, kind := range []string{"signature", "symmetricKey", "message key"} {
		if len(found[kind]) < 16 {
			s.t.Errorf("the wire has only %d of %s", len(found[kind]), kind)
		}
	}
	return found
}
