package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom"
)

func TestASkewIsJudgedByWhatItDoes(t *testing.T) {
	for ahead, want := range map[time.Duration]severity{
		0: sevOK, -29 * time.Second: sevOK, 31 * time.Second: sevWarning, -40 * time.Second: sevWarning, 61 * time.Second: sevFault, -3 * time.Hour: sevFault,
	} {
		if got := judgeSkew("x", ahead); got.Severity != want {
			t.Errorf("%v: got %+v, want %s", ahead, got, want)
		}
	}
}

func TestEveryWayNotToReachAntomHasItsFix(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "gw.example:8443"}
	certificate := &x509.Certificate{NotBefore: earliest(), NotAfter: earliest().AddDate(1, 0, 0)}
	for name, c := range map[string]struct {
		got   finding
		words []string
	}{
		"no such name":  {judgeName("gw.example", &net.DNSError{IsNotFound: true}), []string{"there is no gw.example", "correct base_url"}},
		"no resolver":   {judgeName("gw.example", &net.DNSError{IsTimeout: true, Err: "timeout"}), []string{"can't be looked up", "/etc/resolv.conf"}},
		"refused":       {judgeDial("10.0.0.9:8344", base, syscall.ECONNREFUSED), []string{"nothing listens there"}},
		"no route":      {judgeDial("10.0.0.9:8344", base, syscall.ENETUNREACH), []string{"ip route"}},
		"silent":        {judgeDial("10.0.0.9:8344", base, os.ErrDeadlineExceeded), []string{"firewall"}},
		"expired":       {judgeTLS("gw", earliest().AddDate(14, 0, 0), "", x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}), []string{"2040", "if the clock is wrong", "the gateway must renew"}},
		"no authority":  {judgeTLS("gw", earliest(), "", x509.UnknownAuthorityError{Cert: certificate}), []string{"ca_file", "ca-certificates"}},
		"wrong ca_file": {judgeTLS("gw", earliest(), "/etc/ca.pem", x509.UnknownAuthorityError{}), []string{"/etc/ca.pem"}},
		"other name":    {judgeTLS("gw", earliest(), "", x509.HostnameError{Certificate: certificate, Host: "gw"}), []string{"not for gw"}},
		"no TLS there":  {judgeTLS("gw", earliest(), "", errors.New("tls: first record does not look like a TLS handshake")), []string{"http://"}},
	} {
		t.Run(name, func(t *testing.T) { wantFinding(t, []finding{c.got}, sevFault, c.words...) })
	}
}

// Each way in which the key pair can be wrong is told from the others.
func TestWhatAntomAnswersTellsWhichKeyIsWrong(t *testing.T) {
	p := &patient{file: "/etc/posagent/posagent.toml"}
	p.s.Antom.ClientID, p.s.Antom.KeyVersion, p.s.Antom.BaseURL = "N950", 1, "https://gw/openapi/v2"
	said := func(status, code string) antom.DiagnosisResponse {
		return antom.DiagnosisResponse{Result: antom.Result{ResultStatus: status, ResultCode: code}}
	}
	not := func(sent bool, untrusted string, is ...error) error {
		return &antom.Error{Op: "diagnosis", Sent: sent, UntrustedCode: untrusted, HTTPStatus: 200, Err: errors.Join(is...)}
	}
	for name, c := range map[string]struct {
		resp  antom.DiagnosisResponse
		err   error
		want  severity
		words []string
	}{
		"both right":          {said("S", "SUCCESS"), nil, sevOK, []string{"both sides"}},
		"a busy terminal":     {said("F", "TERMINAL_BUSY"), nil, sevNote, []string{"TERMINAL_BUSY"}},
		"no network there":    {antom.DiagnosisResponse{Result: antom.Result{ResultStatus: "S"}, NetworkStatus: "N"}, nil, sevWarning, []string{"its network"}},
		"our key, signed":     {said("F", "INVALID_SIGNATURE"), nil, sevFault, []string{"does not know our key", "posagent keys show"}},
		"our key, v1's word":  {said("F", "SIGNATURE_INVALID"), nil, sevFault, []string{"does not know our key"}},
		"our key, unsigned":   {said("", ""), not(true, "INVALID_SIGNATURE", antom.ErrSignature, antom.ErrUnsigned), sevFault, []string{"unsigned", "does not know our key"}},
		"key version":         {said("F", "KEY_NOT_FOUND"), nil, sevFault, []string{"version than 1"}},
		"client id":           {said("F", "CLIENT_INVALID"), nil, sevFault, []string{"client_id N950", "serial number"}},
		"another client":      {said("", ""), not(true, "", antom.ErrMisfit), sevFault, []string{"client_id"}},
		"encryption":          {said("F", "INVALID_ENCRPT_DATA"), nil, sevFault, []string{"antom_public_key_file"}},
		"their key":           {said("", ""), not(true, "", antom.ErrSignature), sevFault, []string{"old key of Antom's", "posagent keys import"}},
		"a proxy":             {said("", ""), not(true, "", antom.ErrSignature, antom.ErrUnsigned), sevFault, []string{"not signed", "proxy"}},
		"an old half of ours": {said("", ""), not(true, "", antom.ErrDecrypt), sevFault, []string{"another key of ours"}},
		"another cipher":      {said("", ""), not(true, "", antom.ErrDecrypt, antom.ErrCipher), sevFault, []string{"correct cipher"}},
		"clock":               {said("", ""), not(false, "", antom.ErrClock), sevFault, []string{"timedatectl"}},
		"stale":               {said("", ""), not(true, "", antom.ErrStale), sevFault, []string{"a clock is wrong"}},
		"wrong path":          {said("F", "INVALID_API"), nil, sevFault, []string{"/openapi/v2"}},
		"no Antom":            {said("", ""), not(true, "", antom.ErrHTTPStatus), sevFault, []string{"does not answer as Antom"}},
		"no way":              {said("", ""), not(false, "", syscall.ECONNREFUSED), sevFault, []string{"not reached"}},
		"silence":             {said("", ""), not(true, "", context.DeadlineExceeded), sevFault, []string{"no answer came in time"}},
	} {
		t.Run(name, func(t *testing.T) { wantFinding(t, []finding{judgePair(p, c.resp, c.err)}, c.want, c.words...) })
	}
}

// A terminal may be busy with a customer: it is asked nothing then.
func TestATerminalInTheMiddleOfASaleIsNotAsked(t *testing.T) {
	for base, want := range map[string]bool{
		"http://10.0.0.9:8344/v2": true, "http://terminal.local/v2": true, "http://127.0.0.1:1/v2": false,
		"http://[::1]:1/v2": false, "http://localhost/v2": false, "https://gw.example/openapi/v2": false,
	} {
		if got := onTerminal(base); got != want {
			t.Errorf("%s: got %v", base, got)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"payments":{"inWindow":1}}`)) // the doctor reads it
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	p := &patient{now: time.Now}
	p.s.Status.Listen = strings.TrimPrefix(server.URL, "http://")
	p.s.Antom.BaseURL = "http://10.0.0.9:8344/v2"
	wantFinding(t, lookAtPair(context.Background(), p), sevNote, "not asked: 1 payment is under way")
}
