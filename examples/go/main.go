package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
)

// Request is one line of input.
type Request struct {
	ID      string
	Event   json.RawMessage
	Context Context
}

// Context says which invocation it is and until when; the protocol lists what else there is.
type Context struct {
	AwsRequestID string
	DeadlineMs   int64
}

// Failure is what the caller is told instead of a result.
type Failure struct {
	ErrorType    string   `json:"errorType"`
	ErrorMessage string   `json:"errorMessage"`
	StackTrace   []string `json:"stackTrace"`
}

func main() {
	// Replies go to standard output, and whatever prints from here on goes to the log, where it cannot
	// land in the middle of a reply.
	replies := os.Stdout
	os.Stdout = os.Stderr

	// A decoder takes requests of any size, where bufio.Scanner stops at 64 KiB, and skips white space.
	requests := json.NewDecoder(os.Stdin)
	for {
		var request Request
		err := requests.Decode(&request)
		if err == io.EOF {
			return // the end of input means stop
		}
		if err == nil && request.ID == "" {
			err = errors.New("it has no id")
		}
		if err != nil {
			// Without its id no reply can be given: end, and the bridge tells the caller this line.
			fmt.Fprintln(os.Stderr, "could not read the request:", err)
			os.Exit(1)
		}
		// One write for each reply: os.File keeps nothing back.
		if _, err := replies.Write(answer(request)); err != nil {
			os.Exit(1)
		}
	}
}

// answer gives one reply to one request, tagged with the request's id, as a line.
func answer(request Request) []byte {
	result, failure := call(request)
	if failure == nil {
		line, err := encode(struct {
			ID     string `json:"id"`
			Result any    `json:"result"`
		}{request.ID, result})
		if err == nil {
			return line
		}
		failure = failed(err, nil) // a result that is no JSON, as a channel or NaN
	}
	line, err := encode(struct {
		ID    string   `json:"id"`
		Error *Failure `json:"error"`
	}{request.ID, failure})
	if err != nil {
		panic(err) // strings only: they always encode
	}
	return line
}

// call runs the function, and makes a failure of its error and of a panic in it.
func call(request Request) (result any, failure *Failure) {
	defer func() {
		if panicked := recover(); panicked != nil {
			failure = failed(panicked, strings.Split(strings.TrimSpace(string(debug.Stack())), "\n"))
		}
	}()
	var event Event
	if err := json.Unmarshal(request.Event, &event); err != nil {
		return nil, failed(err, nil)
	}
	result, err := handle(event, request.Context)
	if err != nil {
		return nil, failed(err, nil) // an error is a value in Go and has no stack
	}
	return result, nil
}

// failed names an error by its Go type, without package and pointer.
func failed(cause any, stack []string) *Failure {
	kind := reflect.TypeOf(cause)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return &Failure{kind.Name(), fmt.Sprint(cause), append([]string{}, stack...)}
}

// encode gives one line, in which <, > and & stay as they are.
func encode(reply any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(reply)
	return line.Bytes(), err
}
