// A Lambda function in Go: reads a value, prints a line.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
)

type request struct {
	ID    string `json:"id"`
	Event struct {
		Name string `json:"name"`
	} `json:"event"`
}

type reply struct {
	ID     string            `json:"id"`
	Result map[string]string `json:"result"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		if err := in.Decode(&r); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		greeting := map[string]string{"greeting": "Hello, " + r.Event.Name + "!"}
		if err := out.Encode(reply{r.ID, greeting}); err != nil {
			log.Fatal(err)
		}
	}
}
