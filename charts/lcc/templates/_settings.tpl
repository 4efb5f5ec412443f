{{- /* The settings that the chart computes, as YAML; empty ones are left out. */ -}}
{{- define "lcc.computedSettings" -}}
{{- $proxy := dict "http" .Values.proxy.http "https" .Values.proxy.https "no" (include "lcc.noProxy" .) -}}
{{- range $name, $value := $proxy -}}{{- if not $value -}}{{- $_ := unset $proxy $name -}}{{- end -}}{{- end -}}
{{- $pullSecrets := list -}}
{{- range .Values.imagePullSecrets -}}{{- $pullSecrets = append $pullSecrets .name -}}{{- end -}}
{{- $cluster := dict
  "image" (include "lcc.image" (list . .Values.image))
  "launcher_image" (include "lcc.image" (list . .Values.launcherImage))
  "image_pull_policy" .Values.image.pullPolicy
  "image_pull_secrets" $pullSecrets
  "s3_secret" (include "lcc.s3.secret" .)
  "tracking_secret" .Values.mlflow.existingSecret.name
  "worker_service_account" (include "lcc.worker.name" .)
  "driver_service_account" (include "lcc.driver.name" .)
  "ca_bundle_config_map" .Values.caBundle.configMap
  "proxy" $proxy -}}
{{- $storage := dict "endpoint_url" (include "lcc.s3.url" .) "region" .Values.s3.region -}}
{{- $sections := dict "cluster" $cluster "storage" $storage "tracking" (dict "uri" (include "lcc.mlflow.url" .)) -}}
{{- range $section := $sections -}}
{{- range $name, $value := $section -}}{{- if not $value -}}{{- $_ := unset $section $name -}}{{- end -}}{{- end -}}
{{- end -}}
{{- toYaml $sections -}}
{{- end -}}

{{- /* lcc.yaml: what the user set, under what the chart computes. */ -}}
{{- define "lcc.settings" -}}
{{- $root := dict "storage" (dict "root" (printf "s3://%s/study" .Values.s3.bucket)) -}}
{{- mergeOverwrite $root (deepCopy .Values.settings) (include "lcc.computedSettings" . | fromYaml) | toYaml -}}
{{- end -}}
