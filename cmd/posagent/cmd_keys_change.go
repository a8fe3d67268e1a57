package main

import (
	"context"
	"crypto/rsa"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"posagent/antom"
)

// keysTime bounds the question that is asked before a change.
const keysTime = 15 * time.Second

func keysVerifyCommand() command {
	return command{
		name:  "keys verify",
		usage: "-config FILE [-to KEYFILE] [-key-version N] [-json]",
		brief: "ask Antom whether a key of ours is known",
		about: "Asks Antom the one question that changes nothing (diagnosis), signed with the\n" +
			"configured key or with that in KEYFILE, under the configured key version or N, and\n" +
			"says what the answer tells of both sides' keys. Exit 0: both believe each other.\n",
		run: runKeysChange(false, false),
	}
}

func keysSwitchCommand() command {
	return command{
		name:  "keys switch",
		usage: "-config FILE -to KEYFILE -key-version N [-write] [-unverified] [-json]",
		brief: "sign with another key of ours",
		about: "Asks Antom with the key in KEYFILE, under key version N, and only where Antom knows\n" +
			"it prints the lines of the configuration that change over, and those that go back.\n" +
			"-write changes them, in one step, and keeps the file as it was; the running agent\n" +
			"takes it up by itself, between two calls, and no sale stops. -unverified asks nobody.\n",
		run: runKeysChange(true, false),
	}
}

func keysBelieveCommand() command {
	return command{
		name:  "keys believe",
		usage: "-config FILE [-write] [-unverified] [-json] KEYFILE [KEYFILE]",
		brief: "believe one or two keys of Antom's",
		about: "Asks Antom, believing the given keys alone, and only where that works prints the\n" +
			"lines of the configuration that make the agent do so, and those that go back. A\n" +
			"rotation of Antom's: OLD NEW, while Antom changes over; NEW OLD, once it reads what\n" +
			"is encrypted for the new one; NEW, once it signs with it alone. -write as in switch.\n",
		run: runKeysChange(false, true),
	}
}

// change is what a change of keys would be.
type change struct {
	file      string // the configuration
	write     bool
	unsure    bool // -unverified
	asJSON    bool
	to        string
	version   int
	believing []string
}

// changed is what is told of it.
type changed struct {
	Finding finding  `json:"finding"`
	Lines   []string `json:"lines,omitempty"` // as they are to be in the configuration
	Back    []string `json:"back,omitempty"`  // as they were
	Written bool     `json:"written"`
	Kept    string   `json:"kept,omitempty"` // the configuration as it was
}

// runKeysChange serves the three commands that ask Antom first: verify, which
// changes nothing, switch, of our key, and believe, of Antom's.
func runKeysChange(switching, believing bool) func(context.Context, env, command, []string) int {
	return func(ctx context.Context, e env, c command, args []string) int {
		var ch change
		fset := c.flags()
		ch.flags(fset, switching || believing, !believing)
		words, code, ok := c.parseMixed(e, fset, args)
		if !ok {
			return code
		}
		switch {
		case ch.file == "":
			return c.misused(e, "give the configuration with -config FILE")
		case switching && (ch.to == "" || ch.version < 1):
			return c.misused(e, "give -to KEYFILE and -key-version N, as Antom says it")
		case believing && (len(words) < 1 || len(words) > 2):
			return c.misused(e, "give one key of Antom's, or two")
		case !believing && len(words) > 0:
			return c.misused(e, "%q is too much", words[0])
		}
		ch.believing = words
		s, err := loadSettings(ch.file)
		if err != nil {
			return c.misconfigured(e, ch.file, err)
		}
		return ch.run(ctx, e, c, s, switching || believing)
	}
}

func (ch *change) flags(fset *flag.FlagSet, changing, ours bool) {
	fset.StringVar(&ch.file, "config", "", "the configuration `FILE`")
	fset.BoolVar(&ch.asJSON, "json", false, "as JSON")
	if ours {
		fset.StringVar(&ch.to, "to", "", "our private key in `KEYFILE`, in place of the configured one")
		fset.IntVar(&ch.version, "key-version", 0, "the `version` that Antom gave it")
	}
	if changing {
		fset.BoolVar(&ch.write, "write", false, "change the configuration; its old text is kept beside it")
		fset.BoolVar(&ch.unsure, "unverified", false, "do not ask Antom first")
	}
}

func (ch *change) run(ctx context.Context, e env, c command, s settings, changing bool) int {
	next, err := ch.applied(s)
	if err != nil {
		return c.failed(e, err)
	}
	out := changed{Finding: note("keys with Antom", "not asked (-unverified)")}
	if !ch.unsure {
		out.Finding = askWith(ctx, ch.file, next)
	}
	bad := out.Finding.Severity == sevFault
	if changing && !bad {
		out.Lines, out.Back = ch.lines(next), ch.lines(s)
		if ch.write {
			if out.Kept, err = rewriteKeys(ch.file, s, ch.pairs(next)); err != nil {
				return c.failed(e, err)
			}
			out.Written = true
		}
	}
	code := c.told(e, ch.asJSON, out, func() { ch.tell(e, out, changing) })
	if code == exitDone && bad {
		return exitFailed
	}
	return code
}

// applied are the settings as they would be.
func (ch *change) applied(s settings) (settings, error) {
	var err error
	if ch.to != "" {
		if s.Antom.PrivateKeyFile, err = filepath.Abs(ch.to); err != nil {
			return s, err
		}
		if s.privateKey, err = antom.ReadPrivateKey(s.Antom.PrivateKeyFile); err != nil {
			return s, err
		}
	}
	if ch.version > 0 {
		s.Antom.KeyVersion = ch.version
	}
	if len(ch.believing) == 0 {
		return s, nil
	}
	s.Antom.AntomPublicKeyFiles, s.antomKeys = nil, nil
	for _, name := range ch.believing {
		path, err := filepath.Abs(name)
		if err != nil {
			return s, err
		}
		key, err := antom.ReadPublicKey(path)
		if err != nil {
			return s, err
		}
		s.Antom.AntomPublicKeyFiles, s.antomKeys = append(s.Antom.AntomPublicKeyFiles, path), append(s.antomKeys, key)
	}
	return s, differentKeys(s.antomKeys)
}

func differentKeys(list []*rsa.PublicKey) error {
	if len(list) == 2 && list[0].Equal(list[1]) {
		return fmt.Errorf("the two files hold the same key")
	}
	return nil
}

// askWith asks Antom with those settings, and says what the answer tells.
func askWith(ctx context.Context, file string, s settings) finding {
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	client, err := antom.New(clientOptions(s, slog.New(slog.DiscardHandler)))
	if err != nil {
		return fault("keys with Antom", "take another key", "%v", err)
	}
	defer client.CloseIdleConnections()
	resp, err := client.Diagnosis(ctx, antom.DiagnosisRequest{})
	return judgePair(&patient{file: file, s: s}, resp, err)
}

// pair is a key of the [antom] table with its value as TOML.
type pair struct{ key, value string }

// pairs are what the change is about, with the values of those settings.
func (ch *change) pairs(s settings) []pair {
	inFile := func(path string) string {
		if dir, err := filepath.Abs(filepath.Dir(ch.file)); err == nil && dir == filepath.Dir(path) {
			path = filepath.Base(path)
		}
		return strconv.Quote(path)
	}
	if len(ch.believing) == 0 {
		return []pair{{"private_key_file", inFile(s.Antom.PrivateKeyFile)}, {"key_version", strconv.Itoa(s.Antom.KeyVersion)}}
	}
	var names []string
	for _, path := range s.Antom.AntomPublicKeyFiles {
		names = append(names, inFile(path))
	}
	if len(names) == 1 {
		return []pair{{"antom_public_key_file", names[0]}}
	}
	return []pair{{"antom_public_key_file", "[" + strings.Join(names, ", ") + "]"}}
}

func (ch *change) lines(s settings) []string {
	var list []string
	for _, p := range ch.pairs(s) {
		list = append(list, p.key+" = "+p.value)
	}
	return list
}

func (ch *change) tell(e env, out changed, changing bool) {
	chart{w: e.stdout, terminal: isTerminal(e.stdout)}.write(out.Finding)
	switch {
	case !changing:
	case len(out.Lines) == 0:
		fmt.Fprintln(e.stdout, "\nNothing is changed. Once that is mended, say the same again.")
	case out.Written:
		fmt.Fprintf(e.stdout, "\n%s now says, below [antom]:\n\n  %s\n\nIts old text is kept as %s. The agent takes it up within seconds, between two\n"+
			"calls (or at once: sudo systemctl reload posagent). The way back is these lines:\n\n  %s\n",
			ch.file, strings.Join(out.Lines, "\n  "), out.Kept, strings.Join(out.Back, "\n  "))
	default:
		fmt.Fprintf(e.stdout, "\nNothing is changed yet. Below [antom] in %s put\n\n  %s\n\nin the place of\n\n  %s\n\n"+
			"or say the same again with -write. The agent takes it up within seconds, and no sale\nstops. The second lines are the way back.\n",
			ch.file, strings.Join(out.Lines, "\n  "), strings.Join(out.Back, "\n  "))
	}
}
