package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"posagent/config"
)

// smallest is the shortest file without a fault; tests add to it from line 9 on.
const smallest = `[antom]
base_url = "https://host/openapi/v2"
client_id = "N950SN0000001"
private_key_file = "private.pem"
antom_public_key_file = "antom.pem"
[[register]]
name = "lane1"
port = "/dev/pos/register0"
`

// load reads text as posagent.toml in a folder of its own, which it returns
// and which is the working directory from then on.
func load(t *testing.T, text string) (config.Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, filepath.Join(dir, "posagent.toml"), text)
	c, err := config.Load("posagent.toml")
	return c, dir, err
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustLoad is load for files without a fault.
func mustLoad(t *testing.T, text string) (config.Config, string) {
	t.Helper()
	c, dir, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func compare[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestEveryKeyLeftOutHasItsDocumentedDefault(t *testing.T) {
	c, dir := mustLoad(t, smallest)
	compare(t, "antom", c.Antom, config.Antom{
		BaseURL:             "https://host/openapi/v2",
		ClientID:            "N950SN0000001",
		PrivateKeyFile:      filepath.Join(dir, "private.pem"),
		AntomPublicKeyFiles: []string{filepath.Join(dir, "antom.pem")},
		KeyVersion:          1,
		Encryption:          "rsa_aes",
		Cipher:              "ecb",
		SendExtendInfo:      true,
	})
	compare(t, "payments", c.Payments, config.Payments{
		Window:          120 * time.Second,
		PayTimeout:      45 * time.Second,
		InquiryTimeout:  15 * time.Second,
		InquiryInterval: 3 * time.Second,
		RefundTimeout:   30 * time.Second,
		QuietTime:       45 * time.Second,
		AfterTimeout:    "resubmit",
		LateAbort:       "refund",
		Retention:       400 * 24 * time.Hour,
	})
	compare(t, "store", c.Store, config.Store{Path: "/var/lib/posagent/posagent.db"})
	compare(t, "registers", c.Registers, []config.Register{{
		Name: "lane1", Port: "/dev/pos/register0", Baud: 115200, DataBits: 8,
		Parity: "none", StopBits: 1, AckGap: 20 * time.Millisecond,
	}})
	compare(t, "status", c.Status, config.Status{Listen: "unix:/run/posagent/status.sock"})
	compare(t, "log", c.Log, config.Log{Level: "info", Format: "text"})
}

const everything = `[antom]
base_url = "http://10.0.0.9:8344/v2/"
client_id = "2188"
private_key_file = "keys/private.pem"
antom_public_key_file = ["a.pem", "/etc/b.pem"]
key_version = 3
encryption = "rsa_aes"
cipher = "gcm"
uri_prefix = "/openapi/v2/"
send_extend_info = false
ca_file = "../ca.pem"

[payments]
window = "300s"
pay_timeout = "2m"
inquiry_timeout = "100ms"
inquiry_interval = "1.5s"
refund_timeout = "10m"
quiet_time = "1h"
methods = ["ALIPAY_CN", "GRABPAY"]
after_timeout = "inquire"
late_abort = "keep"
retention = "1d12h"

[store]
path = "data/payments.db"

[[register]]
name = "lane 1"
port = "line"
baud = 9_600
data_bits = 7
parity = "even"
stop_bits = 2
ack_gap = "0s"
record = "lane1.log"

[[register]]
name = "lane 2"
port = "usb:0403:6001:A1:B"

[status]
listen = "unix:status.sock"

[log]
level = "debug"
format = "json"
`

func TestEveryKeyGivenIsTaken(t *testing.T) {
	c, dir := mustLoad(t, everything)
	in := func(name string) string { return filepath.Join(dir, name) }
	compare(t, "antom", c.Antom, config.Antom{
		BaseURL:             "http://10.0.0.9:8344/v2",
		ClientID:            "2188",
		PrivateKeyFile:      in("keys/private.pem"),
		AntomPublicKeyFiles: []string{in("a.pem"), "/etc/b.pem"},
		KeyVersion:          3,
		Encryption:          "rsa_aes",
		Cipher:              "gcm",
		URIPrefix:           "/openapi/v2",
		CAFile:              filepath.Join(filepath.Dir(dir), "ca.pem"),
	})
	compare(t, "payments", c.Payments, config.Payments{
		Window:          5 * time.Minute,
		PayTimeout:      2 * time.Minute,
		InquiryTimeout:  100 * time.Millisecond,
		InquiryInterval: 1500 * time.Millisecond,
		RefundTimeout:   10 * time.Minute,
		QuietTime:       time.Hour,
		Methods:         []string{"ALIPAY_CN", "GRABPAY"},
		AfterTimeout:    "inquire",
		LateAbort:       "keep",
		Retention:       36 * time.Hour,
	})
	compare(t, "store", c.Store, config.Store{Path: in("data/payments.db")})
	compare(t, "registers", c.Registers, []config.Register{
		{Name: "lane 1", Port: in("line"), Baud: 9600, DataBits: 7, Parity: "even", StopBits: 2, Record: in("lane1.log")},
		{Name: "lane 2", Port: "usb:0403:6001:A1:B", Baud: 115200, DataBits: 8, Parity: "none", StopBits: 1, AckGap: 20 * time.Millisecond},
	})
	compare(t, "status", c.Status, config.Status{Listen: "unix:" + in("status.sock")})
	compare(t, "log", c.Log, config.Log{Level: "debug", Format: "json"})
}

func TestLineIsWhereTheFileHasTheKey(t *testing.T) {
	c, _ := mustLoad(t, "# heading\n\n"+everything+"\n")
	for key, want := range map[string]int{
		"antom":                          3,
		"antom.base_url":                 4,
		"antom.antom_public_key_file":    7,
		"antom.antom_public_key_file[1]": 7,
		"payments.methods":               22,
		"register[0]":                    30,
		"register[0].port":               32,
		"register[1].port":               42,
		"register[1].baud":               0,
		"log.format":                     49,
		"no.such":                        0,
	} {
		compare(t, key, c.Line(key), want)
	}
	single, _ := mustLoad(t, smallest)
	compare(t, "the one public key", single.Line("antom.antom_public_key_file[0]"), 5)
}

func TestPathsStartFromTheFolderOfTheFileNotFromWhereWeAre(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "posagent.toml"), smallest)
	t.Chdir(t.TempDir())
	c, err := config.Load(filepath.Join(dir, "posagent.toml"))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "private key", c.Antom.PrivateKeyFile, filepath.Join(dir, "private.pem"))
}

func TestKeyInTheCredentialsDirectoryComesBeforeTheOneBesideTheFile(t *testing.T) {
	credentials := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	write(t, filepath.Join(credentials, "private.pem"), "")
	_, dir := mustLoad(t, smallest)
	write(t, filepath.Join(dir, "private.pem"), "")

	c, err := config.Load("posagent.toml")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "one that is there", c.Antom.PrivateKeyFile, filepath.Join(credentials, "private.pem"))
	compare(t, "one that is not", c.Antom.AntomPublicKeyFiles[0], filepath.Join(dir, "antom.pem"))

	c, dir = mustLoad(t, strings.Replace(smallest, `"private.pem"`, `"./private.pem"`, 1))
	compare(t, "one with a folder", c.Antom.PrivateKeyFile, filepath.Join(dir, "private.pem"))
}

func TestEveryWayToWriteATableSaysTheSame(t *testing.T) {
	ways := map[string]string{
		"carriage returns": strings.ReplaceAll(smallest, "\n", "\r\n"),
		"byte order mark":  "\ufeff" + smallest,
		"dotted keys": `antom.base_url = "https://host/openapi/v2"
antom.client_id = "N950SN0000001"
antom.private_key_file = 'private.pem'
"antom".antom_public_key_file = "antom.pem"
[[register]]
name = "lane1"
port = "/dev/pos/register0"`,
		"inline tables": `register = [{ name = "lane1", port = "/dev/pos/register0" }]
antom = { base_url = "https://host/openapi/v2", client_id = "N950SN0000001", private_key_file = "private.pem", antom_public_key_file = ["antom.pem"] }`,
	}
	for name, text := range ways {
		t.Run(name, func(t *testing.T) {
			want, wantDir := mustLoad(t, smallest)
			got, dir := mustLoad(t, text)
			want.Antom.PrivateKeyFile = filepath.Join(dir, "private.pem")
			want.Antom.AntomPublicKeyFiles = []string{filepath.Join(dir, "antom.pem")}
			if dir == wantDir {
				t.Fatal("both files in one folder: nothing compared")
			}
			compare(t, "antom", got.Antom, want.Antom)
			compare(t, "registers", got.Registers, want.Registers)
		})
	}
}

func TestMissingOrUnreadableFileIsAnErrorOfTheFileSystem(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := config.Load("posagent.toml")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "posagent.toml") {
		t.Errorf("missing file: got %v", err)
	}
	compare(t, "config", c, config.Config{})

	_, err = config.Load(".")
	var path *fs.PathError
	var faults *config.Faults
	if !errors.As(err, &path) || errors.As(err, &faults) {
		t.Errorf("a folder: got %v", err)
	}
}
