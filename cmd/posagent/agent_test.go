package main

import (
	"crypto/rsa"
	"reflect"
	"strings"
	"testing"
	"time"

	"posagent/antom"
	"posagent/config"
	"posagent/queue"
)

// distinct is a configuration in which no two values are alike, so that none can
// stand in another's place unseen.
func distinct() settings {
	return settings{
		Config: config.Config{
			Antom: config.Antom{BaseURL: "https://host/openapi/v2", ClientID: "N950", KeyVersion: 7, Encryption: "rsa_aes",
				Cipher: "gcm", URIPrefix: "/signed", SendExtendInfo: true},
			Payments: config.Payments{Window: 1 * time.Second, PayTimeout: 2 * time.Second, InquiryTimeout: 3 * time.Second,
				InquiryInterval: 4 * time.Second, RefundTimeout: 5 * time.Second, QuietTime: 6 * time.Second,
				AfterTimeout: "inquire", LateAbort: "keep", Retention: 7 * time.Hour},
		},
		privateKey: &antom.PrivateKey{},
		antomKeys:  []*rsa.PublicKey{{E: 3}},
	}
}

func TestEverySettingReachesTheQueue(t *testing.T) {
	got := workerOptions(distinct())
	want := queue.Options{
		Policy: queue.Policy{InquiryInterval: 4 * time.Second, QuietTime: 6 * time.Second, AskAfterTimeout: true, KeepLateAborts: true},
		Window: 1 * time.Second, PayTimeout: 2 * time.Second, InquiryTimeout: 3 * time.Second, RefundTimeout: 5 * time.Second,
		Grace: grace, Retention: 7 * time.Hour,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	open := distinct()
	open.Antom.BaseURL = "http://10.0.0.9:8344/v2"
	if !workerOptions(open).Policy.ConfirmAnswers {
		t.Error("without TLS a decline is believed at once: it could be an old one, played back")
	}
}

func TestEverySettingReachesTheClient(t *testing.T) {
	s := distinct()
	got := clientOptions(s, nil)
	if got.Now == nil || got.NotBefore.IsZero() {
		t.Error("the client has no clock, or no floor to it")
	}
	got.Now, got.NotBefore = nil, time.Time{}
	want := antom.Options{
		BaseURL: "https://host/openapi/v2", URIPrefix: "/signed", ClientID: "N950", PrivateKey: s.privateKey, AntomKeys: s.antomKeys,
		KeyVersion: 7, Encryption: "rsa_aes", Cipher: "gcm", SendExtendInfo: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestAShortQuietTimeIsRemarkedUpon(t *testing.T) {
	s := distinct()
	if list := s.remarks(); len(list) != 0 {
		t.Errorf("remarks about nothing: %v", list)
	}
	s.Payments.QuietTime = time.Second
	if list := s.remarks(); len(list) != 1 || !strings.Contains(list[0], "quiet_time") {
		t.Errorf("remarks: %v", list)
	}
}
