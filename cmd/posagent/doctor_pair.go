package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"posagent/antom"
)

// lookAtPair asks Antom the one question that changes nothing, signed and sealed as
// everything is, and says what its answer tells of the keys.
func lookAtPair(ctx context.Context, p *patient) []finding {
	if n := p.selling(ctx); n > 0 && onTerminal(p.s.Antom.BaseURL) {
		return []finding{note("keys with Antom", "not asked: %s under way, and the terminal does one thing at a time; say the same again in a minute", areUnderWay(n))}
	}
	client, err := antom.New(clientOptions(p.s, slog.New(slog.DiscardHandler)))
	if err != nil {
		return []finding{fault("keys with Antom", "", "%v", err)}
	}
	defer client.CloseIdleConnections()
	resp, err := client.Diagnosis(ctx, antom.DiagnosisRequest{})
	list := []finding{judgePair(p, resp, err)}
	if ahead, measured := client.Skew(); measured {
		list = append(list, judgeSkew("its signed time", ahead))
	}
	return list
}

// selling is how many payments are inside their window now, as the agent says; 0
// where it can't be asked.
func (p *patient) selling(ctx context.Context) int {
	var is report
	if newStatusClient(p.s.Status.Listen, time.Second).get(ctx, "/status", &is) != nil {
		return 0
	}
	return is.Payments.InWindow
}

// onTerminal reports whether an address is that of a terminal in the shop, which may
// be busy with the customer.
func onTerminal(baseURL string) bool {
	base, err := url.Parse(baseURL)
	if err != nil || base.Scheme != "http" {
		return false
	}
	address := net.ParseIP(base.Hostname())
	return base.Hostname() != "localhost" && (address == nil || !address.IsLoopback())
}

func areUnderWay(n int) string {
	if n == 1 {
		return "1 payment is"
	}
	return fmt.Sprintf("%d payments are", n)
}

// saysCode reports whether Antom's code is one of those, with whatever prefix.
func saysCode(code string, endings ...string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(strings.ToUpper(code), ending) {
			return true
		}
	}
	return false
}

// Codes of Antom's about whoever calls (Antom v2, result codes).
func aboutSignature(code string) bool {
	return saysCode(code, "INVALID_SIGNATURE", "SIGNATURE_INVALID", "KEY_NOT_FOUND")
}

func aboutEncryption(code string) bool {
	return saysCode(code, "INVALID_ENCRPT_DATA", "INVALID_ENCRYPT_DATA")
}

func judgePair(p *patient, resp antom.DiagnosisResponse, err error) finding {
	const check = "keys with Antom"
	if err != nil {
		return judgeNoAnswer(p, err)
	}
	if f, refused := judgeCode(p, resp.Result.ResultCode, "says"); refused {
		return f
	}
	if resp.Result.ResultStatus != antom.ResultS {
		return note(check, "both sides believe each other's signature; to a diagnosis Antom says %s %s %s",
			resp.Result.ResultStatus, resp.Result.ResultCode, resp.Result.ResultMessage)
	}
	for what, status := range map[string]string{"its network": resp.NetworkStatus, "its printer": resp.PrinterStatus, "the whole": resp.GlobalStatus} {
		if status == "N" {
			return warning(check, "see the terminal's own screen", "both sides believe each other's signature, but the terminal says that %s is not ready", what)
		}
	}
	return fine(check, "a signed question was answered with a signature that fits: both sides have the right keys")
}

// judgeCode reads a code that speaks of us. How says whether it may be believed.
func judgeCode(p *patient, code, how string) (finding, bool) {
	const check = "keys with Antom"
	show := "posagent keys show -config " + shellWord(p.file)
	switch {
	case aboutSignature(code):
		return fault(check, show+" prints our public half: give it to Antom, under the key version that key_version names",
			"Antom %s %s: it does not know our key, or knows it under another version than %d, or client_id %s is not the one the key was given for",
			how, code, p.s.Antom.KeyVersion, p.s.Antom.ClientID), true
	case aboutEncryption(code):
		return fault(check, "see that antom_public_key_file is Antom's present key ("+show+" shows its fingerprint), then encryption and cipher",
			"Antom %s %s: it can't read what we encrypt for it", how, code), true
	case saysCode(code, "CLIENT_INVALID"):
		return fault(check, "correct client_id: for a terminal its serial number, as printed on it", "Antom %s %s: it does not know client_id %s", how, code, p.s.Antom.ClientID), true
	case saysCode(code, "INVALID_API", "METHOD_NOT_SUPPORTED"):
		return fault(check, "correct base_url: it ends in /openapi/v2, or in /v2 for a terminal", "Antom %s %s: there is no such call at %s", how, code, p.s.Antom.BaseURL), true
	}
	return finding{}, false
}

// judgeNoAnswer says why an answer was not heard or not believed.
func judgeNoAnswer(p *patient, err error) finding {
	const check = "keys with Antom"
	show := "posagent keys show -config " + shellWord(p.file)
	var e *antom.Error
	if !errors.As(err, &e) {
		return fault(check, "", "%v", err)
	}
	switch {
	case errors.Is(err, antom.ErrClock):
		return fault(check, setClock, "nothing is signed with this clock")
	case !e.Sent:
		return fault(check, "see the findings about name, connection and TLS", "Antom was not reached: %v", e.Err)
	case errors.Is(err, antom.ErrSignature):
		return judgeSignature(p, e, show)
	case errors.Is(err, antom.ErrMisfit):
		return fault(check, "correct client_id: for a terminal its serial number, as printed on it", "Antom's answer is to another client: %v", e.Err)
	case errors.Is(err, antom.ErrStale):
		return fault(check, setClock+"; a terminal's clock is set in its own settings", "Antom's answer is dated before the question: a clock is wrong")
	case errors.Is(err, antom.ErrCipher):
		return fault(check, "correct cipher in the configuration: ecb, cbc or gcm, as the gateway has it",
			"both sides have the right keys, but the gateway encrypts in another way than cipher says (%v)", e.Err)
	case errors.Is(err, antom.ErrDecrypt):
		return fault(check, show+" prints our public half: give it to Antom again, then see encryption and cipher",
			"Antom's signature fits, but its answer can't be decrypted: it encrypts for another key of ours, or otherwise (%v)", e.Err)
	case errors.Is(err, antom.ErrHTTPStatus), errors.Is(err, antom.ErrMalformed):
		return fault(check, "correct base_url, or ask whoever runs the gateway", "%s does not answer as Antom (HTTP %d): %v", p.s.Antom.BaseURL, e.HTTPStatus, e.Err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return fault(check, "see that the gateway itself has a network, and ask whoever runs it", "the question arrived, and no answer came in time")
	}
	return fault(check, "", "%v", err)
}

// judgeSignature tells a wrong key of Antom's from a gateway that does not know us.
// What an answer without a good signature says may be anybody's word; it points
// somewhere, and decides nothing.
func judgeSignature(p *patient, e *antom.Error, show string) finding {
	const check = "keys with Antom"
	if errors.Is(e, antom.ErrUnsigned) {
		if f, known := judgeCode(p, e.UntrustedCode, "says, unsigned,"); known {
			return f
		}
		return fault(check, "correct base_url; open it from another machine to see who answers",
			"the answer is not signed (HTTP %d): a proxy or another server answers at %s, or the gateway does not know who we are", e.HTTPStatus, p.s.Antom.BaseURL)
	}
	hint := ""
	if e.UntrustedCode != "" {
		hint = fmt.Sprintf("; unverified, it says %s", e.UntrustedCode)
	}
	return fault(check, "download Antom's public key anew (Antom shows it where you gave it yours), then: posagent keys import -config "+shellWord(p.file)+" FILE; "+show+" compares fingerprints",
		"the answer is signed, but not by the key in antom_public_key_file: that is an old key of Antom's or somebody else's%s", hint)
}
