{{- /* Stops with every contradiction among the values; the schema stops most before. */ -}}
{{- define "lcc.refuseFaults" -}}
{{- $faults := list -}}
{{- range list "s3" "mlflow" "settings" "additions" -}}
{{- $faults = include (printf "lcc.%s.faults" .) $ | fromYamlArray | concat $faults -}}
{{- end -}}
{{- with $faults -}}
{{- join "\n" . | printf "\n%s" | fail -}}
{{- end -}}
{{- end -}}

{{- /* Contradictions about S3, as a YAML list. */ -}}
{{- define "lcc.s3.faults" -}}
{{- with .Values.s3 -}}
{{- if and .enabled .endpointUrl }}
- {{ printf "s3.endpointUrl: must be empty with s3.enabled, got %s. Set s3.enabled=false to use it." .endpointUrl | toJson }}
{{- end }}
{{- if and .enabled (eq .auth "none") }}
- "s3.auth: must be keys with s3.enabled, got none. Set s3.enabled=false to use a store that knows the pod's identity."
{{- end }}
{{- if and (eq .auth "none") .existingSecret.name }}
- {{ printf "s3.existingSecret.name: must be empty with s3.auth none, got %s. Remove it, or set s3.auth=keys." .existingSecret.name | toJson }}
{{- end }}
{{- if and (not .enabled) (eq .auth "keys") (not .existingSecret.name) }}
- "s3.existingSecret.name: must name a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for an external store, got nothing. Make it and name it, or set s3.auth=none."
{{- end }}
{{- end }}
{{- end -}}

{{- /* Contradictions about MLflow, its database and who may reach them, as a YAML list. */ -}}
{{- define "lcc.mlflow.faults" -}}
{{- with .Values }}
{{- if and .mlflow.enabled .mlflow.uri }}
- {{ printf "mlflow.uri: must be empty with mlflow.enabled, got %s. Set mlflow.enabled=false to use it." .mlflow.uri | toJson }}
{{- end }}
{{- if not (or .mlflow.enabled .mlflow.uri) }}
- "mlflow.uri: must be set without mlflow.enabled, got nothing. Name the server, or set mlflow.enabled=true."
{{- end }}
{{- if and .mlflow.enabled .mlflow.existingSecret.name }}
- {{ printf "mlflow.existingSecret.name: must be empty with mlflow.enabled, got %s: the bundled server asks for no password. Set mlflow.enabled=false to use it." .mlflow.existingSecret.name | toJson }}
{{- end }}
{{- if and .mlflow.ingress.enabled (not .mlflow.ingress.host) }}
- "mlflow.ingress.host: must be set with mlflow.ingress.enabled, got nothing. Name the host."
{{- end }}
{{- if and .postgresql.enabled .postgresql.host }}
- {{ printf "postgresql.host: must be empty with postgresql.enabled, got %s. Set postgresql.enabled=false to use it." .postgresql.host | toJson }}
{{- end }}
{{- if and .mlflow.enabled (not .postgresql.enabled) (not .postgresql.host) }}
- "postgresql.host: must be set without postgresql.enabled, got nothing. Name the server, or set postgresql.enabled=true."
{{- end }}
{{- if and .mlflow.enabled (not .postgresql.enabled) (not .postgresql.existingSecret.name) }}
- "postgresql.existingSecret.name: must name a Secret with the password for an external server, got nothing. Make it and name it."
{{- end }}
{{- if and .networkPolicy.restrictEgress (not (and .networkPolicy.enabled .s3.enabled .mlflow.enabled)) }}
- "networkPolicy.restrictEgress: must be false without networkPolicy, s3 and mlflow enabled, got true. Write a policy of your own that names the external servers."
{{- end }}
{{- if and .launcher.readNodes (not .launcher.subjects) }}
- "launcher.readNodes: must be false without launcher.subjects, got true. Say who launches."
{{- end }}
{{- end }}
{{- end -}}

{{- /* Settings that contradict what the chart computes, or are too long, as a YAML list. */ -}}
{{- define "lcc.settings.faults" -}}
{{- $given := .Values.settings -}}
{{- range $section, $values := include "lcc.computedSettings" . | fromYaml }}
{{- range $name, $value := $values }}
{{- $own := dig $section $name nil $given }}
{{- if and (not (kindIs "invalid" $own)) (ne (toJson $own) (toJson $value)) }}
- {{ printf "settings.%s.%s: must be left to the chart, which computes %s, got %s. Remove it and set the chart's own value (see its README)." $section $name (toJson $value) (toJson $own) | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq (dig "launch" "backend" "kubernetes" $given) "local" }}
- "settings.launch.backend: must be kubernetes in a chart, got local. Remove it; --local is a flag."
{{- end }}
{{- $length := include "lcc.settings" . | len }}
{{- if gt $length 100000 }}
- {{ printf "settings: must have at most 100,000 bytes to travel with a pod, got %s. Shorten the longest, perhaps search.grid or data.classes." $length | toJson }}
{{- end }}
{{- end -}}

{{- /* What users may not add to pods, because it is there already, as a YAML list. */ -}}
{{- define "lcc.additions.faults" -}}
{{- $keys := eq .Values.s3.auth "keys" | ternary (list (dict "name" "AWS_ACCESS_KEY_ID") (dict "name" "AWS_SECRET_ACCESS_KEY")) list -}}
{{- include "lcc.key.faults" (list "" .Values) -}}
{{- range $server := list "cleanup" "mlflow" "postgresql" "s3" -}}
{{- $given := index $.Values $server -}}
{{- $variables := include (printf "lcc.%s.env" $server) $ | fromYamlArray | concat $keys -}}
{{- $mounts := include (printf "lcc.%s.mounts" $server) $ | fromYamlArray -}}
{{- include "lcc.taken.faults" (list (printf "%s.extraEnv" $server) "name" $given.extraEnv $variables) -}}
{{- include "lcc.taken.faults" (list (printf "%s.extraVolumes" $server) "name" $given.extraVolumes $mounts) -}}
{{- include "lcc.taken.faults" (list (printf "%s.extraVolumeMounts" $server) "mountPath" $given.extraVolumeMounts $mounts) -}}
{{- include "lcc.key.faults" (list (printf "%s." $server) $given) -}}
{{- end -}}
{{- end -}}

{{- /* Entries that share a field with one of the chart's. Takes (list path field given ours). */ -}}
{{- define "lcc.taken.faults" -}}
{{- $path := index . 0 -}}
{{- $field := index . 1 -}}
{{- $taken := list -}}
{{- range last . -}}{{- $taken = append $taken (get . $field) -}}{{- end -}}
{{- range index . 2 }}
{{- if has (get . $field | trimSuffix "/") $taken }}
- {{ printf "%s: must not be one of the chart's own, got %s. Choose another, or set the chart's own value (see its README)." $path (get . $field) | toJson }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Keys of labels and annotations that the chart or Helm sets. Takes (list prefix values). */ -}}
{{- define "lcc.key.faults" -}}
{{- $prefix := first . -}}
{{- $values := last . -}}
{{- range $map := list "podLabels" "podAnnotations" }}
{{- range $key, $_ := index $values $map }}
{{- if regexMatch "^(app[.]kubernetes[.]io|helm[.]sh|lcc[.]dev)/" $key }}
- {{ printf "%s%s.%s: must not be a key that the chart or Helm sets, got %s. Choose another." $prefix $map $key $key | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
