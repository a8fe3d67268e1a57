package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sayings are, for each key of a configuration, what somebody may write for it:
// right, wrong, and right alone but wrong with another.
func sayings() map[string][]string {
	return map[string][]string{
		"antom.base_url":              {`"https://gw.example/openapi/v2"`, `"http://127.0.0.1:1/v2"`, `"http://10.0.0.9:8344/v2"`, `"https://gw.example/v2/"`, `"https://a:b@gw.example"`, `"ftp://x"`, `"https://gw.example/v2?x=1"`, `"http://[::1]:1"`, `"gw.example"`, `"https://gw.example:99999/v2"`, `"https://gw .example"`, `"https://exämple.com/v2"`, `"http://localhost:1/v2#"`},
		"antom.client_id":             {`"N950"`, `"N 950"`, `"ünï"`, `""`, `7`},
		"antom.private_key_file":      {`"private.pem"`, `"antom.pem"`, `"none.pem"`, `"~/private.pem"`},
		"antom.antom_public_key_file": {`"antom.pem"`, `["antom.pem"]`, `["antom.pem", "next.pem"]`, `"private.pem"`, `["antom.pem", "antom.pem"]`, `[]`},
		"antom.key_version":           {`1`, `2`, `0`, `-1`, `"1"`, `2147483647`},
		"antom.encryption":            {`"rsa_aes"`, `"off"`, `"none"`},
		"antom.cipher":                {`"ecb"`, `"gcm"`, `"rot13"`},
		"antom.uri_prefix":            {`"/openapi/v2"`, `"openapi"`, `"/a b"`, `"/a?b"`, `"/ü"`, `""`, `"/"`},
		"antom.ca_file":               {`""`, `"antom.pem"`, `"none.pem"`},
		"payments.window":             {`"120s"`, `"100ms"`, `"1h"`, `"2 minutes"`},
		"payments.quiet_time":         {`""`, `"1s"`, `"0s"`},
		"payments.methods":            {`[]`, `["ALIPAY_CN"]`, `["A", "A"]`, `"A"`},
		"payments.retention":          {`"400d"`, `"1s"`, `"4000d"`},
		"store.path":                  {`"posagent.db"`, `"deep/er/posagent.db"`, `"folder/"`},
		"register.name":               {`"lane1"`, `"lane 1"`, `""`, `"l\u00e4ne"`},
		"register.port":               {`"none"`, `"usb:0403:6001"`, `"usb:0403"`, `"USB:0403:6001:A1"`},
		"register.baud":               {`115200`, `300`, `12345`, `299`, `115_200`},
		"register.data_bits":          {`8`, `7`, `9`},
		"register.parity":             {`"none"`, `"even"`, `"mark"`},
		"register.ack_gap":            {`"0s"`, `"20ms"`, `"2s"`},
		"status.listen":               {`""`, `"unix:status.sock"`, `"127.0.0.1:0"`, `"0.0.0.0:9650"`, `"tcp:1"`},
		"log.level":                   {`"warn"`, `"loud"`},
		"log.format":                  {`"json"`, `"xml"`},
		"log.colour":                  {`"red"`},
	}
}

// written is a configuration that says something for each key by chance: mostly what
// is right, so that a good part of them is.
func written(dice *rand.Rand) string {
	said := sayings()
	var text strings.Builder
	for _, table := range []string{"antom", "payments", "store", "register", "status", "log"} {
		heading := "[" + table + "]\n"
		if table == "register" {
			heading = "[[register]]\n"
		}
		text.WriteString(heading)
		for _, key := range slices.Sorted(maps.Keys(said)) {
			values := said[key]
			name, found := strings.CutPrefix(key, table+".")
			required := strings.Contains("base_url client_id private_key_file antom_public_key_file name port path listen", name)
			if !found || !required && dice.IntN(4) > 0 || name == "colour" && dice.IntN(8) > 0 {
				continue
			}
			value := values[0]
			if dice.IntN(8) == 0 {
				value = values[dice.IntN(len(values))]
			}
			fmt.Fprintf(&text, "%s = %s\n", name, value)
		}
	}
	return text.String()
}

// ranBriefly runs a command for a moment, in which an agent starts or refuses to.
func ranBriefly(args ...string) (code int, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	code = dispatch(ctx, env{&out, &errs}, args)
	return code, errs.String()
}

// What check takes run takes, and what check refuses run refuses in the same words.
func TestCheckAndRunSayTheSame(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	s := freshSite(t)
	must(t, os.WriteFile(filepath.Join(s.dir, "next.pem"), publicHalf(t, freshPrivate(t)), 0o644))
	taken := 0
	for n := range 80 {
		text := written(dice)
		must(t, os.WriteFile(s.configFile(), []byte(text), 0o644))
		code, _, checked := output(t, "check", "-config", s.configFile())
		ran, said := ranBriefly("run", "-config", s.configFile())
		switch {
		case code != ran:
			t.Errorf("%d: check ends with %d, run with %d\n%s\n%s%s", n, code, ran, text, checked, said)
		case code == exitDone:
			taken++
			if !strings.Contains(said, "posagent starts") && !strings.Contains(text, "warn") {
				t.Errorf("%d: run says nothing of a start\n%s\n%s", n, text, said)
			}
		case code != exitConfig:
			t.Errorf("%d: both end with %d", n, code)
		case strings.Replace(said, "posagent run:", "posagent check:", 1) != checked:
			t.Errorf("%d: check says\n%s\nrun says\n%s", n, checked, said)
		}
	}
	if taken < 10 || taken > 75 {
		t.Errorf("%d of 80 were taken: the test tells little", taken)
	}
}

// What a technician compares with Antom's own page and with the register stands there.
func TestCheckShowsWhatTheConfigurationMeans(t *testing.T) {
	s := freshSite(t)
	list, err := showConfigured(s.configFile())
	must(t, err)
	code, out, _ := output(t, "check", "-config", s.configFile())
	for _, want := range []string{
		"is right", "http://127.0.0.1:8345/openapi/v2", "client " + siteClientID, "key version 1", list[0].Fingerprint, list[1].Fingerprint,
		filepath.Join(s.dir, "posagent.db"), siteRegister, "115200 8N1", "posagent doctor",
	} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("exit %d, %q is missing in\n%s", code, want, out)
		}
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(out, s.dir, "/etc/posagent"), "\n") {
		if len(line) > chartWidth {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	rewrite(t, s.configFile(), "[payments]", "[payments]\npay_timeout = \"60s\"\nquiet_time = \"1s\"")
	var says struct {
		Faults []any
		Notes  []string
	}
	if code, errs := askedJSON(t, &says, "check", "-config", s.configFile()); code != exitDone || len(says.Notes) != 1 || len(says.Faults) != 0 {
		t.Errorf("exit %d, %s, %+v", code, errs, says)
	}
}
