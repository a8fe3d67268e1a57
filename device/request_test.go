package device

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// paying is a pay request with one member put in place of another.
func paying(old, replacement string) string {
	return strings.Replace(`{"method":"pay","paymentRequestId":"R1","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"}}`, old, replacement, 1)
}

func TestBadRequestsGetTheCodeAndTheNameOfTheMember(t *testing.T) {
	tests := []struct {
		name, body, method, code, names string
	}{
		{"text", `hello`, "", CodeBadJSON, ""},
		{"an array", `[]`, "", CodeBadJSON, ""},
		{"a number", `12`, "", CodeBadJSON, ""},
		{"bytes after it", askLast + "}", "", CodeBadJSON, ""},
		{"a second object", askLast + askLast, "", CodeBadJSON, ""},
		{"a space after it", askLast + " ", "", CodeBadJSON, ""},
		{"a comma too many", `{"method":"lastResult",}`, "", CodeBadJSON, ""},
		{"not closed", `{"method":"lastResult"`, "", CodeBadJSON, ""},
		{"deep and not closed", strings.Repeat(`{"a":[`, 700) + "}", "", CodeBadJSON, ""},

		{"no method", `{}`, "", CodeParamIllegal, "method: "},
		{"method of another type", `{"method":5}`, "", CodeParamIllegal, "method: "},
		{"method null", `{"method":null}`, "", CodeParamIllegal, "method: "},
		{"method twice", `{"method":"pay","method":"echo"}`, "", CodeParamIllegal, "method: given twice"},
		{"an unknown method", `{"method":"void"}`, "void", CodeUnknownMethod, ""},
		{"a method by another case", `{"method":"Pay"}`, "Pay", CodeUnknownMethod, ""},
		{"a member by another case", paying(`"paymentMethod"`, `"PaymentMethod"`), "pay", CodeParamIllegal, "paymentMethod: "},
		{"an endless method", `{"method":"` + strings.Repeat("x", 65) + `"}`, "", CodeUnknownMethod, ""},
		{"initConnection under another SEQ", `{"method":"initConnection","register":"lane1"}`, "initConnection", CodeParamIllegal, "SEQ: "},

		{"a member twice", paying(`"value":1050`, `"value":1050,"value":9`), "pay", CodeParamIllegal, "paymentAmount.value: given twice"},
		{"twice, written otherwise", paying(`"paymentRequestId":"R1"`, `"paymentRequestId":"R1","paymentReque\u0073tId":"R2"`), "pay", CodeParamIllegal, "paymentRequestId: given twice"},
		{"twice in an unknown member", `{"method":"lastResult","x":[1,{"y":{"z":1,"z":1}}]}`, "lastResult", CodeParamIllegal, "x.y.z: given twice"},

		{"no id", paying(`"paymentRequestId":"R1",`, ``), "pay", CodeParamIllegal, "paymentRequestId: "},
		{"an id with a hyphen", paying(`"R1"`, `"R-1"`), "pay", CodeParamIllegal, "paymentRequestId: "},
		{"an empty id", paying(`"R1"`, `""`), "pay", CodeParamIllegal, "paymentRequestId: "},
		{"an id too long", paying(`"R1"`, `"`+strings.Repeat("R", 65)+`"`), "pay", CodeParamIllegal, "paymentRequestId: "},
		{"an id as a number", paying(`"R1"`, `17`), "pay", CodeParamIllegal, "paymentRequestId: "},
		{"no paymentMethod", paying(`"paymentMethod":"ALIPAY_CN",`, ``), "pay", CodeParamIllegal, "paymentMethod: "},
		{"half a character", paying(`"ALIPAY_CN"`, `"\ud83d"`), "pay", CodeParamIllegal, "paymentMethod: "},
		{"the halves of a character swapped", paying(`"ALIPAY_CN"`, `"\ude00\ud83d"`), "pay", CodeParamIllegal, "paymentMethod: "},
		{"no amount", paying(`,"paymentAmount":{"value":1050,"currency":"SGD"}`, ``), "pay", CodeParamIllegal, "paymentAmount: "},
		{"an amount alone", paying(`{"value":1050,"currency":"SGD"}`, `1050`), "pay", CodeParamIllegal, "paymentAmount: "},
		{"amount 1.0", paying(`1050`, `1.0`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount 1e3", paying(`1050`, `1e3`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount -1", paying(`1050`, `-1`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount in quotes", paying(`1050`, `"5"`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount 0", paying(`1050`, `0`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount null", paying(`1050`, `null`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount 2147483648", paying(`1050`, `2147483648`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"amount beyond 64 bits", paying(`1050`, `18446744073709551617`), "pay", CodeParamIllegal, "paymentAmount.value: "},
		{"currency in lower case", paying(`SGD`, `sgd`), "pay", CodeParamIllegal, "paymentAmount.currency: "},
		{"currency of four", paying(`SGD`, `SGDX`), "pay", CodeParamIllegal, "paymentAmount.currency: "},
		{"window too short", paying(`{"method"`, `{"commandExecuteTimeout":4999,"method"`), "pay", CodeParamIllegal, "commandExecuteTimeout: "},
		{"window too long", paying(`{"method"`, `{"commandExecuteTimeout":600001,"method"`), "pay", CodeParamIllegal, "commandExecuteTimeout: "},
		{"extendInfo no string", paying(`{"method"`, `{"extendInfo":{},"method"`), "pay", CodeParamIllegal, "extendInfo: "},
		{"extendInfo too long", paying(`{"method"`, `{"extendInfo":"`+strings.Repeat("e", 2049)+`","method"`), "pay", CodeParamIllegal, "extendInfo: "},
		{"order id too long", paying(`{"method"`, `{"originalMerchantOrderId":"`+strings.Repeat("o", 256)+`","method"`), "pay", CodeParamIllegal, "originalMerchantOrderId: "},

		{"echo of nothing", `{"method":"echo"}`, "echo", CodeParamIllegal, "text: "},
		{"echo too long", `{"method":"echo","text":"` + strings.Repeat("x", 257) + `"}`, "echo", CodeParamIllegal, "text: "},
		{"inquiry without an id", `{"method":"inquiryPayment"}`, "inquiryPayment", CodeParamIllegal, "paymentRequestId: "},
		{"delivered without rev", `{"method":"delivered","paymentRequestId":"R1"}`, "delivered", CodeParamIllegal, "rev: "},
		{"delivered with rev 0", `{"method":"delivered","paymentRequestId":"R1","rev":0}`, "delivered", CodeParamIllegal, "rev: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, refused := understand(request{seq: 1, body: []byte(test.body)})
			if refused == nil {
				t.Fatalf("understood as %+v", c)
			}
			if c.method != test.method || refused.code != test.code || !strings.HasPrefix(refused.message, test.names) {
				t.Errorf("got method %q, %v; want %q, %s: %s…", c.method, refused, test.method, test.code, test.names)
			}
		})
	}
}

func TestInitConnectionIsReadWithinItsLimits(t *testing.T) {
	tests := []struct {
		body string
		want agreement
		name string // of the member at fault
	}{
		{`{"method":"initConnection","register":"lane1"}`, agreement{"lane1", "", true, 4096}, ""},
		{`{"method":"initConnection","register":"lane1","software":"till 4.2","events":false,"maxBody":512,"more":1}`, agreement{"lane1", "till 4.2", false, 512}, ""},
		{`{"method":"initConnection"}`, agreement{}, "register"},
		{`{"method":"initConnection","register":""}`, agreement{}, "register"},
		{`{"method":"initConnection","register":"l\u00e4ne"}`, agreement{}, "register"},
		{`{"method":"initConnection","register":"` + strings.Repeat("l", 33) + `"}`, agreement{}, "register"},
		{`{"method":"initConnection","register":"l","software":"` + strings.Repeat("s", 65) + `"}`, agreement{}, "software"},
		{`{"method":"initConnection","register":"l","events":1}`, agreement{}, "events"},
		{`{"method":"initConnection","register":"l","events":null}`, agreement{}, "events"},
		{`{"method":"initConnection","register":"l","maxBody":511}`, agreement{}, "maxBody"},
		{`{"method":"initConnection","register":"l","maxBody":10000}`, agreement{}, "maxBody"},
		{`{"method":"lastResult"}`, agreement{}, "SEQ"},
	}
	for _, test := range tests {
		c, refused := understand(request{seq: 0, body: []byte(test.body)})
		switch {
		case test.name != "" && (refused == nil || !strings.HasPrefix(refused.message, test.name+": ")):
			t.Errorf("%s: got %v, want a refusal that names %s", test.body, refused, test.name)
		case test.name == "" && (refused != nil || *c.open != test.want):
			t.Errorf("%s: got %+v, %v", test.body, c.open, refused)
		}
	}
}

// noted is an Engine that keeps what it was asked.
type noted struct {
	Engine
	pay Pay
	ids []string
	rev int64
}

func (n *noted) Pay(_ context.Context, _ string, p Pay) Reply { n.pay = p; return Reply{} }
func (n *noted) InquiryPayment(_ context.Context, _, id string) Reply {
	n.ids = append(n.ids, id)
	return Reply{}
}
func (n *noted) Delivered(_ context.Context, _ string, of StateID, rev int64) Reply {
	n.ids, n.rev = append(n.ids, of.ID), rev
	return Reply{}
}

func TestPayReachesTheEngineWhole(t *testing.T) {
	body := `{"method":"pay","paymentRequestId":"R03_20260823_000117","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":2147483647,"currency":"SGD","unit":1},` +
		`"originalMerchantOrderId":"o1","originalMerchantStoreId":"s1","extendInfo":"{\"a\":\"\ud83d\ude00\",\"a\":1}","commandExecuteTimeout":90000,"unknown":null}`
	c, refused := understand(request{seq: 2, body: []byte(body)})
	if refused != nil {
		t.Fatal(refused)
	}
	var engine noted
	c.ask(t.Context(), &engine, "lane1", "03", defaultMaxBody)
	want := Pay{
		PaymentRequestID: "R03_20260823_000117", PaymentMethod: "ALIPAY_CN",
		PaymentAmount:           Amount{ValueMinor: 2147483647, Currency: "SGD"},
		OriginalMerchantOrderID: "o1", OriginalMerchantStoreID: "s1", ExtendInfo: `{"a":"😀","a":1}`,
		CommandExecuteTimeout: 90 * time.Second,
	}
	if !reflect.DeepEqual(engine.pay, want) {
		t.Errorf("got  %+v\nwant %+v", engine.pay, want)
	}
}

func TestInquiryAndDeliveredReachTheEngine(t *testing.T) {
	var engine noted
	for _, body := range []string{workedBodies()[5].body, workedBodies()[6].body} {
		c, refused := understand(request{seq: 3, body: []byte(body)})
		if refused != nil {
			t.Fatal(refused)
		}
		c.ask(t.Context(), &engine, "lane1", "03", defaultMaxBody)
	}
	if want := []string{"R03_20260823_000117", "R03_20260823_000117"}; !reflect.DeepEqual(engine.ids, want) || engine.rev != 2 {
		t.Errorf("got %q, rev %d", engine.ids, engine.rev)
	}
}

func TestFrameThatWasTooLongIsRefusedAsSuch(t *testing.T) {
	c, refused := understand(request{seq: 3, length: 5000})
	if refused == nil || refused.code != CodeTooLong || c.method != "" {
		t.Errorf("got %+v, %v", c, refused)
	}
}

func FuzzBodies(f *testing.F) {
	seeds := []string{`{}`, paying("", ""), `{"method":"echo","text":"\ud83d\ude00"}`, `{"a":[{"b":1,"b":2}]}`, `{"method":"pay","paymentAmount":{"value":1.0}}`}
	seeds = append(seeds, refunding, `{"method":"totals","from":"2026-08-23","to":"2026-08-24T00:00:00.5+08:00"}`,
		`{"method":"receipt","paymentRequestId":"R1","copy":"cashier","offset":12}`, `{"method":"delivered","refundRequestId":"F1","rev":2}`)
	for _, w := range workedBodies() {
		seeds = append(seeds, w.body)
	}
	if len(seeds) < 12 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, seed := range seeds {
		f.Add([]byte(seed), uint8(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, seq uint8) {
		c, refused := understand(request{seq: seq, body: body, length: len(body)})
		if refused == nil {
			if !json.Valid(body) {
				t.Fatalf("understood what is no JSON: %s", body)
			}
			return
		}
		answer := refusalBody(c.method, "01", refused, leastMaxBody)
		if len(answer) > leastMaxBody || !json.Valid(answer) || bytes.ContainsFunc(answer, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			t.Fatalf("answered %q", answer)
		}
		encode(1, answer)
	})
}
