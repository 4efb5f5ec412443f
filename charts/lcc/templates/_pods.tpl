{{- /* An image: a digest wins over a tag, no tag means appVersion. Takes (list $ image). */ -}}
{{- define "lcc.image" -}}
{{- $image := last . -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (first .).Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* What every pod of the chart has. Takes (list $ user account). */ -}}
{{- define "lcc.podBasics" -}}
{{- $root := first . -}}
serviceAccountName: {{ last . }}
automountServiceAccountToken: false
# A Service called s3 would set S3_PORT, which SeaweedFS takes for its own.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 1 }}
  runAsGroup: {{ index . 1 }}
  fsGroup: {{ index . 1 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Where servers may run. */ -}}
{{- define "lcc.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ toJson . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What every container of the chart may do: nothing. */ -}}
{{- define "lcc.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Variables of a client of S3 and MLflow: place, proxy, authorities. */ -}}
{{- define "lcc.clientEnvironment" -}}
{{- $bundle := empty .Values.caBundle.configMap | ternary "" "/etc/lcc-ca/ca.crt" -}}
{{- $variables := dict
  "AWS_ENDPOINT_URL_S3" (include "lcc.s3.url" .)
  "AWS_REGION" .Values.s3.region
  "HTTP_PROXY" .Values.proxy.http
  "HTTPS_PROXY" .Values.proxy.https
  "NO_PROXY" (include "lcc.noProxy" .)
  "AWS_CA_BUNDLE" $bundle
  "REQUESTS_CA_BUNDLE" $bundle -}}
{{- range $name, $value := $variables }}
{{- with $value }}
- {name: {{ $name }}, value: {{ toJson . }}}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Keys of S3 as variables, where there are any. */ -}}
{{- define "lcc.s3Keys" -}}
{{- include "lcc.envFrom" (list (include "lcc.s3.secret" .)) -}}
{{- end -}}

{{- /* Secrets as variables. Takes (list name …); empty names are left out. */ -}}
{{- define "lcc.envFrom" -}}
{{- with compact . }}
envFrom:
  {{- range . }}
  - secretRef: {name: {{ toJson . }}}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Mounts of a client: a place to write, and the authorities. */ -}}
{{- define "lcc.clientMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.caBundle.configMap }}
- {name: ca, mountPath: /etc/lcc-ca, readOnly: true}
{{- end }}
{{- end -}}

{{- /* Volumes of a client. */ -}}
{{- define "lcc.clientVolumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- with .Values.caBundle.configMap }}
- {name: ca, configMap: {name: {{ toJson . }}}}
{{- end }}
{{- end -}}

{{- /* A script of files/ in the launcher image. Takes (list $ name). */ -}}
{{- define "lcc.script" -}}
{{- $root := first . -}}
image: {{ include "lcc.image" (list $root $root.Values.launcherImage) | toJson }}
imagePullPolicy: {{ $root.Values.launcherImage.pullPolicy }}
command: [python, -c]
args:
  - |
    {{- $root.Files.Get (printf "files/%s.py" (last .)) | nindent 4 }}
resources:
  {{- toYaml $root.Values.helpers.resources | nindent 2 }}
securityContext:
  {{- include "lcc.containerSecurity" $root | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end -}}

{{- /* Claim of a server's volume. Takes (list $ component). */ -}}
{{- define "lcc.claim" -}}
{{- $persistence := (index (first .).Values (last .)).persistence -}}
- metadata:
    name: data
    labels:
      {{- include "lcc.stableLabels" . | nindent 6 }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with $persistence.storageClass }}
    storageClassName: {{ toJson . }}
    {{- end }}
    resources:
      requests: {storage: {{ toJson $persistence.size }}}
{{- end -}}

{{- /* What keeps a Secret whose volume is kept; Helm keeps at any value. Takes (list $ component). */ -}}
{{- define "lcc.keep" -}}
{{- if (index (first .).Values (last .)).persistence.keep -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}
