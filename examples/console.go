// A console's side of Doorward, in one file and with nothing but the standard library.
//
//	DOORWARD_TOKEN=dwt_... go run console.go http://127.0.0.1:8080 corp-4a zhangsan < password
//
// The rule: only status 200 together with "Doorward-Verdict: accept" lets a user in. Everything else, whatever it is,
// does not. Exit codes: 0 accept, 1 reject, 2 challenge, 3 unavailable, 4 misconfigured, 64 the call itself is wrong.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// A reply is small; more is not from Doorward.
const mostBytes = 4 << 20

var exit = map[string]int{"accept": 0, "reject": 1, "challenge": 2, "unavailable": 3, "misconfigured": 4}

// Verdict is a reply. Name is empty when the call was faulty; the body is then a problem (RFC 9457).
type Verdict struct {
	Name         string
	Subject      string `json:"subject"`
	Reason       string `json:"reason"`
	Cause        string `json:"cause"`
	What         string `json:"what"`
	ErrorMessage string `json:"error_message"`
	Title        string `json:"title"`
}

// Authenticate runs one login. An error means that Doorward could not be reached: nobody is let in then.
func Authenticate(base, token, connector, username, password string) (Verdict, error) {
	var verdict Verdict
	asked, err := json.Marshal(map[string]string{"username": username, "password": password})
	if err != nil {
		return verdict, err
	}
	address := strings.TrimRight(base, "/") + "/v1/connectors/" + url.PathEscape(connector) + "/authenticate"
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(asked))
	if err != nil {
		return verdict, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{
		Timeout: 10 * time.Second,
		// No proxy of the environment and no redirect: the password goes to Doorward and to nobody else.
		Transport:     &http.Transport{Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	reply, err := client.Do(request)
	if err != nil {
		return verdict, err
	}
	defer reply.Body.Close()
	if err := json.NewDecoder(io.LimitReader(reply.Body, mostBytes)).Decode(&verdict); err != nil {
		return Verdict{}, err
	}
	verdict.Name = reply.Header.Get("Doorward-Verdict")
	if (verdict.Name == "accept") != (reply.StatusCode == http.StatusOK) {
		return Verdict{}, errors.New("status and verdict do not agree; nobody is let in")
	}
	return verdict, nil
}

func main() {
	token := os.Getenv("DOORWARD_TOKEN")
	if len(os.Args) != 4 || token == "" {
		fmt.Fprintln(os.Stderr, "usage: DOORWARD_TOKEN=dwt_... console URL CONNECTOR USERNAME < password")
		os.Exit(64)
	}
	password, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	verdict, err := Authenticate(os.Args[1], token, os.Args[2], os.Args[3], strings.TrimRight(password, "\n"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "unavailable:", err)
		os.Exit(exit["unavailable"])
	}
	code, known := exit[verdict.Name]
	if !known {
		fmt.Fprintln(os.Stderr, "the call is wrong:", verdict.Title)
		os.Exit(64)
	}
	for _, told := range []string{verdict.ErrorMessage, verdict.Reason, verdict.Cause, verdict.What, verdict.Subject} {
		if told != "" {
			fmt.Printf("%s: %s\n", verdict.Name, told)
			break
		}
	}
	os.Exit(code)
}
