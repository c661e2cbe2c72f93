package main

import (
	"bufio"
	"encoding/json"
	"html/template"
	"os"
	"strings"
)

func init() {
	commands["html-template"] = command{
		usage: "expands HTML templates: a JSON object {template, data} a line in, {output} or {error} out",
		run:   htmlTemplate,
	}
}

// htmlTemplate answers each line of the standard input. Data is what encoding/json makes of it;
// functions are safeHtml and tmpl, as Prometheus defines them.
func htmlTemplate([]string) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked struct {
			Template string
			Data     any
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		answer := map[string]string{}
		if output, err := expandHTML(asked.Template, asked.Data); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["output"] = output
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func expandHTML(text string, data any) (string, error) {
	page := template.New("t").Option("missingkey=zero")
	page.Funcs(template.FuncMap{
		"safeHtml": func(text string) template.HTML { return template.HTML(text) },
		"tmpl": func(name string, data any) (template.HTML, error) {
			var out strings.Builder
			err := page.ExecuteTemplate(&out, name, data)
			return template.HTML(out.String()), err
		},
	})
	if _, err := page.Parse(text); err != nil {
		return "", err
	}
	var out strings.Builder
	if err := page.Execute(&out, data); err != nil {
		return "", err
	}
	return out.String(), nil
}
