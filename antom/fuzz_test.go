package antom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func headerSeeds() []string {
	return []string{
		"algorithm=RSA256, keyVersion=1, signature=QUJD%2Bw%3D%3D",
		"algorithm=RSA_AES,keyVersion=1,symmetricKey=QUJD",
		"signature=a=b==", "signature", "=x", ",,", "signature=1,SIGNATURE=2", "signature=%", "Signature = QUJD ",
	}
}

func answerSeeds() []string {
	return []string{
		paidBody, `{}`, `null`, `[]`, `{"result":null}`, `{"result":{"resultStatus":"U"}}`,
		`{"result":{"resultStatus":"S"},"paymentStatus":"SUCCESS","paymentAmount":{"value":"1","currency":"SGD"}}`,
		`{"result":{"resultStatus":"S"},"paymentReceipt":{"cashierReceipt":"{}","customerReceipt":7}}`,
		`{"a":[{"b":1,"b":2}],"result":{}}`, `{"a\u0062":{"b,":["{\"",{}]},"ab":1}`, `{"\\":"\\","a":":","{":[]}`, `{"result":{}}{`, strings.Repeat("[", 100),
	}
}

func TestFuzzSeedsAreNotEmpty(t *testing.T) {
	if len(headerSeeds()) < 5 || len(answerSeeds()) < 5 {
		t.Errorf("%d header seeds, %d answer seeds", len(headerSeeds()), len(answerSeeds()))
	}
}

func TestHeaderLists(t *testing.T) {
	for text, want := range map[string]string{
		"algorithm=RSA256, keyVersion=1, signature=QUJD": "ABC",
		"algorithm=RSA256,keyVersion=1,signature=QUJD":   "ABC",
		"signature=QUJD":                  "ABC",
		"Signature = QUJD ,":              "ABC",
		"signature=QUI%3D":                "AB",
		"signature=QUI=":                  "AB",
		"signature=%2B%2F%2B%2F":          "\xfb\xff\xbf",
		"signature=+/+/":                  "\xfb\xff\xbf",
		"":                                "error",
		"signature=":                      "error",
		"signature=QUI":                   "error",
		"signature=Q UJD":                 "error",
		"signature=QU%0AJD":               "error",
		"signature=QUJD%0D%0A":            "error",
		"signature=QU\nJD":                "error",
		"signature=QUJ%00D":               "error",
		"signature=QUK=":                  "error", // two bits left over: another spelling of QUI=
		"QUJD":                            "error",
		"signature=QUJD,signature=QUJE":   "error",
		"signature=QUJD,SIGNATURE=QUJD":   "error",
		"algorithm=RSA512,signature=QUJD": "error",
		"signature=" + strings.Repeat("QUJD", maxHeaderValue): "error",
		strings.Repeat("a,", 20):                              "error",
	} {
		got, err := headerBytes(text, "RSA256", "signature")
		if (err != nil) != (want == "error") || err == nil && string(got) != want {
			t.Errorf("%.60q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func FuzzHeaderList(f *testing.F) {
	for _, s := range headerSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := headerList(s)
		if err != nil {
			return
		}
		if len(list) > maxHeaderParts || len(s) > maxHeaderValue {
			t.Fatalf("beyond the limits: %d parts of %d bytes", len(list), len(s))
		}
		for name := range list {
			if name == "" || strings.ContainsAny(name, ",=") {
				t.Fatalf("name %q", name)
			}
		}
		if raw, err := fromHeader(list["signature"]); err == nil {
			again, err := fromHeader(toHeader(raw))
			if err != nil || string(again) != string(raw) {
				t.Fatalf("%x came back as %x, %v", raw, again, err)
			}
			// One value has two spellings, URL-encoded or not, and no third.
			if plain, err := url.PathUnescape(toHeader(raw)); err != nil || list["signature"] != plain && !strings.Contains(list["signature"], "%") {
				t.Fatalf("%x is taken from %q, too", raw, list["signature"])
			}
		}
	})
}

// hasTwins looks for a member given twice by way of encoding/json's own tokens.
func hasTwins(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	var value func() bool
	value = func() bool {
		token, _ := dec.Token()
		seen := map[json.Token]bool{}
		for inside := token == json.Delim('{') || token == json.Delim('['); inside && dec.More(); {
			if token == json.Delim('{') {
				name, _ := dec.Token()
				if seen[name] {
					return true
				}
				seen[name] = true
			}
			if value() {
				return true
			}
		}
		if _, open := token.(json.Delim); open {
			_, _ = dec.Token() // its end
		}
		return false
	}
	return value()
}

func TestTwinsAreFoundInEverySpelling(t *testing.T) {
	long := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"m%d":{"a":[]},`, i)
		}
		return "{" + b.String() + `"` + last + `":0}`
	}
	for text, want := range map[string]bool{
		`{"a":1,"a":2}`: true, `{"a":1,"\u0061":2}`: true, `{"a":1,"b":{"a":1}}`: false, `{"x":[{"a":1},{"a":1}]}`: false,
		`{"x":[[{"a":1,"a":1}]]}`: true, `{"a":"a","b":"a"}`: false, `{"a":["a","a","b"]}`: false, `{"":1,"":1}`: true,
		`{"a\"":1,"a\"":1}`: true, `{"a\\":"}","b":"{","a":","}`: false, `{"a":{"b":1},"b":{"a":1},"b":0}`: true, ` { "a" : 1 , "a" : 2 } `: true,
		long("m3"): true, long("m39"): true, long("m40"): false,
	} {
		_, err := parseObject([]byte(text))
		if (err != nil) != want || hasTwins([]byte(text)) != want {
			t.Errorf("%s: got %v, want twins %v", text, err, want)
		}
	}
}

// checkMembers compares an object with what encoding/json makes of its bytes.
func checkMembers(t *testing.T, o object, body []byte) {
	t.Helper()
	var other map[string]json.RawMessage
	if err := json.Unmarshal(body, &other); err != nil || other == nil || len(o) != len(other) {
		t.Fatalf("got %d members, want %d (%v)", len(o), len(other), err)
	}
	for name, want := range other {
		if got := o.raw(name); string(got) != string(want) {
			t.Fatalf("%q: got %q, want %q", name, got, want)
		}
		var word string
		if json.Unmarshal(want, &word) != nil {
			word = ""
		}
		if got := o.word(name); got != word {
			t.Fatalf("%q: got the word %q, want %q", name, got, word)
		}
		var inner map[string]json.RawMessage
		if got, ok := o.object(name); ok != (json.Unmarshal(want, &inner) == nil && inner != nil) {
			t.Fatalf("%q: taken for an object: %v", name, ok)
		} else if ok {
			checkMembers(t, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range answerSeeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		new(Error).hearUntrusted(body)
		o, err := parseObject(body)
		if err != nil {
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) || hasTwins(body) {
			t.Fatal("taken, and no JSON, or with a member given twice")
		}
		checkMembers(t, o, body)
		result, err := readResult(o)
		if err != nil {
			return
		}
		if s := result.ResultStatus; s != ResultS && s != ResultF && s != ResultU {
			t.Fatalf("status %q", s)
		}
		var inquiry InquiryPaymentResponse
		for _, a := range []answer{&DiagnosisResponse{}, &PayResponse{}, &inquiry, &RefundResponse{}, &InquiryRefundResponse{}} {
			if err := a.read(result, o); err != nil && a != answer(&inquiry) {
				t.Fatal(err)
			}
		}
		if v := inquiry.PaymentAmount.ValueMinor; v < 0 || v > maxValueMinor {
			t.Fatalf("amount %d", v)
		}
	})
}
