package main

import (
	"context"
	"encoding/json"
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device/virtual"
)

// tortured is how many sales the torture below has; posagent torture is its long
// form. With more than the usual number the other proofs take their time, too.
var tortured = flag.String("torture", tortureBriefly, "how many sales the torture has")

const tortureBriefly = "12"

func TestTheAgentIsKilledAndTheBooksAgree(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var out, errs strings.Builder
	code := dispatch(ctx, env{&out, &errs}, []string{"torture", "-sales", *tortured})
	closing := regexp.MustCompile(`\n` + *tortured + ` sales, [1-9]\d* kills, 0 double charges, 0 lost, 0 disagreements \(seed \d+, \d+ s\)\n$`)
	if code != exitDone || !closing.MatchString(out.String()) {
		t.Errorf("exit %d\n%s%s", code, &out, &errs)
	}
}

func TestTortureSaysInJSONWhatItCameTo(t *testing.T) {
	code, out, errs := output(t, "torture", "-sales", "1", "-seed", "3", "-json", "-config-dir", t.TempDir())
	var got tally
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitDone || got.Sales != 1 || got.Seed != 3 || !got.clean() {
		t.Errorf("exit %d, %v: %s%s", code, err, out, errs)
	}
}

func TestTortureRefusesWhatItCannotPlay(t *testing.T) {
	for _, args := range [][]string{{"-sales", "0"}, {"-sales", "1000000"}, {"now"}} {
		if code, _, errs := output(t, append([]string{"torture"}, args...)...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
	s := freshSite(t)
	if code, _, errs := output(t, "torture", "-sales", "1", "-config-dir", s.dir); code != exitFailed || !strings.Contains(errs, "new folder") {
		t.Errorf("in a folder that is taken: exit %d, %s", code, errs)
	}
}

func TestTheSameSeedIsTheSameTorture(t *testing.T) {
	same := func(a, b ordeal) bool {
		cruel := (a.cruelty == nil) == (b.cruelty == nil) && (a.cruelty == nil || *a.cruelty == *b.cruelty)
		a.cruelty, b.cruelty = nil, nil
		return cruel && a == b
	}
	if !slices.EqualFunc(ordeals(7, 100), ordeals(7, 100), same) {
		t.Error("one seed, two runs")
	}
	if slices.EqualFunc(ordeals(7, 100), ordeals(8, 100), same) {
		t.Error("two seeds, one run")
	}
	for _, o := range ordeals(7, 2000) {
		if o.cruelty != nil && o.cruelty.Name == "forgetful" {
			t.Fatal("a cruelty that breaks Antom's pledge: the agent is not to blame for it")
		}
	}
}

// The closing line can be another than "all well".
func TestTortureCanDisagree(t *testing.T) {
	paid := virtual.PaymentState{PaymentStatus: "SUCCESS", Final: true, PaymentID: "A1"}
	failed := virtual.PaymentState{PaymentStatus: "FAIL", Final: true}
	one := sandbox.Charge{PaymentRequestID: "R1", AmountMinor: 100, PaymentID: "A1"}
	stranger := sandbox.Charge{PaymentRequestID: "R2", AmountMinor: 100, PaymentID: "A2"}
	for name, c := range map[string]struct {
		told                   virtual.PaymentState
		ledger                 []sandbox.Charge
		doubled, lost, differs int
	}{
		"as it should be":         {paid, []sandbox.Charge{one}, 0, 0, 0},
		"declined":                {failed, nil, 0, 0, 0},
		"charged twice":           {paid, []sandbox.Charge{one, one}, 1, 0, 0},
		"charged and never told":  {virtual.PaymentState{}, []sandbox.Charge{one}, 0, 1, 0},
		"never told, not charged": {virtual.PaymentState{}, nil, 0, 1, 0},
		"charged, told failed":    {failed, []sandbox.Charge{one}, 0, 0, 1},
		"not charged, told paid":  {paid, nil, 0, 0, 1},
		"a charge of nobody's":    {paid, []sandbox.Charge{one, stranger}, 0, 0, 1},
	} {
		run := torture{told: map[string]virtual.PaymentState{"R1": c.told}}
		run.compare([]ordeal{{id: "R1", minor: 100}}, c.ledger)
		got := run.tally
		if got.DoubleCharges != c.doubled || got.Lost != c.lost || got.Disagreements != c.differs || len(got.Faults) != c.doubled+c.lost+c.differs {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
