package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds of the steps on the way to Antom; together they fit into the examination.
const (
	nameTime = 2 * time.Second
	dialTime = 2 * time.Second
	tlsTime  = 2 * time.Second
)

// lookAtWay goes to Antom step by step: name, connection, TLS, and the Date it
// shows. It says nothing that a register or a payment could notice.
func lookAtWay(ctx context.Context, p *patient) []finding {
	base, err := url.Parse(p.s.Antom.BaseURL)
	if err != nil || base.Hostname() == "" {
		return nil // the configuration's check says so
	}
	list, address := lookUp(ctx, base)
	if address == "" {
		return list
	}
	found, conn := dial(ctx, address, base)
	list = append(list, found)
	if conn == nil {
		return list
	}
	defer func() { _ = conn.Close() }() // nothing of worth was said
	if base.Scheme == "https" {
		var secure *tls.Conn
		found, secure = p.handshake(ctx, conn, base.Hostname())
		list = append(list, found)
		if secure == nil {
			return list
		}
		conn = secure
	}
	if base.Scheme == "http" && !p.now().Before(earliest()) {
		return list // a terminal's small server is asked nothing odd: its signed time tells more
	}
	return append(list, p.askDate(conn, base)...)
}

// lookUp turns the host into addresses, and returns one to dial.
func lookUp(ctx context.Context, base *url.URL) ([]finding, string) {
	const check = "name"
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	host := base.Hostname()
	if net.ParseIP(host) != nil {
		return nil, net.JoinHostPort(host, port)
	}
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	began := time.Now()
	found, err := new(net.Resolver).LookupHost(ctx, host)
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		return []finding{judgeName(host, err)}, ""
	}
	f := fine(check, "%s is %s (%v)", host, strings.Join(found, ", "), took)
	if took > time.Second {
		f = warning(check, "name a faster server in /etc/resolv.conf", "%s took %v to look up: every new connection of a sale waits for it", host, took)
	}
	return []finding{f}, net.JoinHostPort(found[0], port)
}

func judgeName(host string, err error) finding {
	const check = "name"
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fault(check, "correct base_url; getent hosts "+shellWord(host)+" asks again", "there is no %s", host)
	}
	return fault(check, "see that the network is up (ip addr; ip route) and that /etc/resolv.conf names a server that answers", "%s can't be looked up: %v", host, err)
}

func dial(ctx context.Context, address string, base *url.URL) (finding, net.Conn) {
	began := time.Now()
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return judgeDial(address, base, err), nil
	}
	return fine("connection", "%s answers (%v)", address, time.Since(began).Round(100*time.Microsecond)), conn
}

func judgeDial(address string, base *url.URL, err error) finding {
	const check = "connection"
	var timeout net.Error
	switch {
	case strings.Contains(err.Error(), "refused"):
		return fault(check, "see that the gateway runs, and that base_url has its port", "%s refuses connections: nothing listens there", address)
	case strings.Contains(err.Error(), "unreachable"):
		return fault(check, "ip addr; ip route: plug the cable in, or mend the Wi-Fi", "there is no way to %s: the network is down or has no route", address)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault(check, "open "+base.Host+" in the shop's firewall; ip route get shows the way that is taken", "%s does not answer within %v: the host is off, or a firewall is between", address, dialTime)
	}
	return fault(check, "ip addr; ip route", "%s: %v", address, err)
}

// handshake speaks TLS as the agent does, with verification.
func (p *patient) handshake(ctx context.Context, conn net.Conn, host string) (finding, *tls.Conn) {
	ctx, cancel := context.WithTimeout(ctx, tlsTime)
	defer cancel()
	secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.s.roots, ServerName: host, Time: func() time.Time { return floored(p.now()) }})
	began := time.Now()
	if err := secure.HandshakeContext(ctx); err != nil {
		return judgeTLS(host, p.now(), p.s.Antom.CAFile, err), nil
	}
	return judgeCertificate(secure.ConnectionState(), p.now(), time.Since(began)), secure
}

// floored is the time by which the agent judges certificates: its own, never one
// before it was written.
func floored(now time.Time) time.Time {
	if first := earliest(); now.Before(first) {
		return first
	}
	return now
}

func judgeTLS(host string, now time.Time, caFile string, err error) finding {
	const check = "TLS"
	var expired x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		c := expired.Cert
		return fault(check, "if the clock is wrong: "+setClock+"; else the gateway must renew it",
			"by this box's clock (%s) the certificate of %s is not valid: it is from %s to %s",
			now.Format(time.DateOnly), host, c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly))
	case errors.As(err, &unknown) && caFile == "":
		return fault(check, "for a gateway of your own: set ca_file to its root certificate; else sudo apt-get install ca-certificates",
			"nobody that this box trusts vouches for %s (its certificate is issued by %q)", host, issuer(unknown.Cert))
	case errors.As(err, &unknown):
		return fault(check, "put the root certificate of the gateway into "+shellWord(caFile),
			"neither the system nor %s vouches for %s (its certificate is issued by %q)", caFile, host, issuer(unknown.Cert))
	case errors.As(err, &name):
		return fault(check, "correct base_url, or have the gateway's certificate made for that name", "the certificate is not for %s: %v", host, err)
	case strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return fault(check, "set base_url to http:// where that is right (a terminal in the shop)", "%s does not speak TLS on this port", host)
	}
	return fault(check, "", "%s: %v", host, err)
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return "unknown"
	}
	return c.Issuer.String()
}

func judgeCertificate(s tls.ConnectionState, now time.Time, took time.Duration) finding {
	leaf := s.PeerCertificates[0]
	text := fmt.Sprintf("%s, certificate of %s from %q, good until %s (%v)", tls.VersionName(s.Version), leaf.Subject.CommonName,
		leaf.Issuer.CommonName, leaf.NotAfter.Format(time.DateOnly), took.Round(time.Millisecond))
	if left := leaf.NotAfter.Sub(now); left < 14*24*time.Hour {
		return warning("TLS", "tell whoever runs the gateway to renew it", "%s: that is %d days", text, int(left.Hours()/24))
	}
	return fine("TLS", "%s", text)
}

// askDate compares the clocks by the Date of a response, which is nobody's word in
// particular over plain http.
func (p *patient) askDate(conn net.Conn, base *url.URL) []finding {
	if err := conn.SetDeadline(time.Now().Add(tlsTime)); err != nil {
		return nil
	}
	transport := &http.Transport{DisableKeepAlives: true}
	give := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport.DialContext, transport.DialTLSContext = give, give
	req, err := http.NewRequestWithContext(context.Background(), http.MethodHead, base.String(), http.NoBody)
	if err != nil {
		return nil
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return []finding{note("Antom's clock", "no Date was shown: %v", err)}
	}
	_ = resp.Body.Close() // a HEAD has none
	shown, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return []finding{note("Antom's clock", "no Date was shown")}
	}
	return []finding{judgeSkew("its Date", shown.Sub(p.now()))}
}

// Bounds of a difference of clocks: what antom warns of, and what it refuses.
const (
	skewNoted   = 30 * time.Second
	skewRefused = time.Minute
)

// spanText writes a time that may be many years.
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > 2*365*day:
		return fmt.Sprintf("%d years", int(d/(365*day)))
	case d > 2*day:
		return fmt.Sprintf("%d days", int(d/day))
	}
	return d.String()
}

func judgeSkew(by string, ahead time.Duration) finding {
	const check = "Antom's clock"
	ahead = ahead.Round(time.Second)
	apart := spanText(ahead.Abs()) + " ahead of this box's"
	if ahead < 0 {
		apart = spanText(ahead.Abs()) + " behind this box's"
	}
	switch {
	case ahead.Abs() > skewRefused:
		return fault(check, setClock+"; a terminal's clock is set in its own settings", "by %s it is %s: signed requests and answers may be refused as too old", by, apart)
	case ahead.Abs() > skewNoted:
		return warning(check, setClock, "by %s it is %s", by, apart)
	}
	return fine(check, "by %s it agrees with this box's, to %v", by, ahead.Abs())
}
