package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"posagent/config"
)

// faultsOf loads text, which must have faults, and returns them as printed.
func faultsOf(t *testing.T, text string) string {
	t.Helper()
	_, _, err := load(t, text)
	var faults *config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	for _, f := range faults.List {
		if f.Text == "" || strings.ContainsAny(f.Key+f.Text, "\n\r") {
			t.Errorf("fault is not one line: %+v", f)
		}
	}
	return faults.Error()
}

const tenFaults = `surprise = 1
[antom]
base_url = "ftp://host/v2"
client_id = "N950 SN"
private_key_file = "keys/"
key_version = "one"
key_version = 2

[payments]
window = 120
methods = ["ALIPAY_CN",
  "ALIPAY_CN"]
rentention = "400d"

[[register]]
name = "lane1"
port = "usb:0403"
baud = 200
`

func TestAllFaultsOfAFileAreReportedAtOnceInTheOrderOfLines(t *testing.T) {
	want := `posagent.toml:1: surprise: no such key
posagent.toml:2: antom.antom_public_key_file: is missing: add for instance antom_public_key_file = "antom.pem"
posagent.toml:3: antom.base_url: want scheme, host and base path, such as "https://host/openapi/v2", got "ftp://host/v2"
posagent.toml:4: antom.client_id: want letters, digits and signs of ASCII without a space, got "N950 SN"
posagent.toml:5: antom.private_key_file: names a folder: add the file's name
posagent.toml:6: antom.key_version: want a whole number from 1, got "one"
posagent.toml:7: antom.key_version: is here twice, first on line 6: leave one out
posagent.toml:10: payments.window: want a duration from "100ms" to "600s" in quotes, got 120
posagent.toml:12: payments.methods[1]: is in the list twice: leave one out
posagent.toml:13: payments.rentention: no such key: did you mean retention?
posagent.toml:17: register[0].port: want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001", got "usb:0403"
posagent.toml:18: register[0].baud: want a whole number from 300 to 921600, got 200`
	compare(t, "faults", faultsOf(t, tenFaults), want)
}

func TestConfigIsFilledAsFarAsTheFileAllows(t *testing.T) {
	c, _, err := load(t, tenFaults)
	if err == nil {
		t.Fatal("no fault found")
	}
	compare(t, "a faulty required key", c.Antom.BaseURL, "")
	compare(t, "a faulty key with a default", c.Payments.Window, 120*time.Second)
	compare(t, "a good key beside them", c.Registers[0].Name, "lane1")
	compare(t, "what is left of a list", c.Payments.Methods, []string{"ALIPAY_CN"})
	compare(t, "a line", c.Line("antom.base_url"), 3)
}

func TestFindingsOfTheCallerStandAmongTheOthers(t *testing.T) {
	c, _, err := load(t, smallest+"[log]\nlevel = 1\n")
	faults := &config.Faults{File: "posagent.toml"}
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	const key = "antom.private_key_file"
	faults.Add(key, c.Line(key), "mode %o lets others read it: chmod 600 private.pem", 0o644)
	want := `posagent.toml:4: antom.private_key_file: mode 644 lets others read it: chmod 600 private.pem
posagent.toml:10: log.level: want "debug", "info", "warn" or "error", got 1`
	compare(t, "faults", faults.Err().Error(), want)
	compare(t, "first", faults.List[0].Line, 4)
}

func TestNoFindingIsNoError(t *testing.T) {
	if err := (&config.Faults{File: "posagent.toml"}).Err(); err != nil {
		t.Errorf("got %v", err)
	}
	var none *config.Faults
	if err := none.Err(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestFaultsBeyondAHundredAreOnlyCounted(t *testing.T) {
	var text strings.Builder
	text.WriteString(smallest + "[log]\n")
	for n := range 103 {
		fmt.Fprintf(&text, "odd%d = 1\n", n)
	}
	got := strings.Split(faultsOf(t, text.String()), "\n")
	compare(t, "lines", len(got), 101)
	compare(t, "last", got[100], "posagent.toml: and 3 more: correct these first")
}

func TestHugeFileOfFaultsIsReadInReasonableTime(t *testing.T) {
	for _, line := range []string{"a=1\n", "[a]\n", "[[register]]\n", "[log]\n", "level=1\n"} {
		text := smallest + "[log]\n" + strings.Repeat(line, (1<<20-len(smallest)-6)/len(line))
		began := time.Now()
		faultsOf(t, text)
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%q over and over took %s", line, took)
		}
	}
}

func TestFileIsReadUpToOneMebibyteAndNoFurther(t *testing.T) {
	fits := smallest + strings.Repeat("#", 1<<20-len(smallest))
	mustLoad(t, fits)
	want := "posagent.toml: is longer than 1048576 bytes: this is not a configuration, check the path"
	compare(t, "one byte more", faultsOf(t, fits+"#"), want)
}

func TestSyntaxErrorIsOneFaultBesideThoseBeforeIt(t *testing.T) {
	const tail = ": correct this line, nothing after it was read (text needs quotes, every key a line of its own)"
	for name, c := range map[string]struct{ text, want string }{
		"value without quotes": {
			"[antom]\nclient_id = N950\n[nonsense]\n",
			"posagent.toml:2: column 13: unexpected character U+004E 'N' at start of value" + tail,
		},
		"quote left open": {
			"[log]\nlevel = 7\nformat = \"text\n",
			"posagent.toml:2: log.level: want \"debug\", \"info\", \"warn\" or \"error\", got 7\n" +
				"posagent.toml:3: column 15: basic strings cannot have new lines" + tail,
		},
		"end in the middle": {
			"[antom",
			"posagent.toml:1: column 6: expected ']' to close table name" + tail,
		},
		"on the last line, after CRLF": {
			"[log]\r\n=",
			"posagent.toml:2: column 1: invalid character at start of key: U+003D '='" + tail,
		},
	} {
		t.Run(name, func(t *testing.T) { compare(t, "faults", faultsOf(t, c.text), c.want) })
	}
}

func TestFileThatIsNotUTF8IsOneFaultWithTheLine(t *testing.T) {
	for text, line := range map[string]int{
		"[log]\n# caf\xe9\nlevel = 7\n": 2,
		"\xff\xfe[\x00l\x00o\x00g\x00]": 1,
		"[log]\n\n\nlevel = \"\xc3":     4,
	} {
		want := fmt.Sprintf("posagent.toml:%d: is not UTF-8: save the file with that encoding", line)
		compare(t, fmt.Sprintf("%q", text), faultsOf(t, text), want)
	}
	mustLoad(t, smallest+"# café \ufffd\n")
}

func TestSecretsInTheWrongPlaceAreNotRepeated(t *testing.T) {
	bare := "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC" + strings.Repeat("A7/", 60)
	pem := "-----BEGIN PRIVATE KEY-----\\n" + bare + "\\n-----END PRIVATE KEY-----\\n"
	for _, secret := range []string{bare, pem} {
		for _, line := range []string{
			`private_key_file = "private.pem"`, `client_id = "N950SN0000001"`, `base_url = "https://host/openapi/v2"`,
		} {
			key, _, _ := strings.Cut(line, " ")
			got := faultsOf(t, strings.Replace(smallest, line, key+` = "`+secret+`"`, 1))
			if strings.Contains(got, "MII") || !strings.Contains(got, "looks like a key itself") {
				t.Errorf("%s: got %s", key, got)
			}
		}
		for _, line := range []string{`[log]` + "\nlevel = ", "[payments]\nwindow = "} {
			if got := faultsOf(t, smallest+line+`"`+secret+`"`); strings.Contains(got, "MII") {
				t.Errorf("%s: got %s", line, got)
			}
		}
	}
	got := faultsOf(t, strings.Replace(smallest, "https://", "https://till:hunter2@", 1))
	if strings.Contains(got, "hunter2") {
		t.Errorf("got %s", got)
	}
}

func TestFaultsSpeakOfTheFileAsItWasNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.toml")
	if err := os.WriteFile(path, []byte(smallest+"x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+":9: ") {
		t.Errorf("got %v", err)
	}
}
