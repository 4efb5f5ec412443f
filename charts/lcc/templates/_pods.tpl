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

{{- /* Size of the short helpers: init containers, the bucket, tests. */ -}}
{{- define "lcc.smallResources" -}}
requests: {cpu: 50m, memory: 128Mi}
limits: {memory: 512Mi}
{{- end -}}

{{- /* Variables of a client of S3 and MLflow: bucket, proxy, authorities. */ -}}
{{- define "lcc.clientEnvironment" -}}
{{- $bundle := empty .Values.caBundle.configMap | ternary "" "/etc/lcc-ca/ca.crt" -}}
{{- $variables := dict
  "AWS_ENDPOINT_URL_S3" (include "lcc.s3.url" .)
  "AWS_REGION" .Values.s3.region
  "LCC_BUCKET" .Values.s3.bucket
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
  {{- include "lcc.smallResources" $root | nindent 2 }}
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

{{- /* Where PostgreSQL's password comes from. */ -}}
{{- define "lcc.postgresql.password" -}}
valueFrom:
  secretKeyRef:
    name: {{ include "lcc.postgresql.secret" . | toJson }}
    key: {{ toJson .Values.postgresql.existingSecret.key }}
{{- end -}}

{{- /* Variables that lead MLflow to its database; libpq reads the password itself. */ -}}
{{- define "lcc.databaseEnvironment" -}}
{{- $postgresql := .Values.postgresql -}}
- {name: PGHOST, value: {{ include "lcc.postgresql.host" . | toJson }}}
- {name: PGPORT, value: {{ $postgresql.enabled | ternary 5432 $postgresql.port | toString | toJson }}}
- {name: PGUSER, value: {{ toJson $postgresql.user }}}
- {name: PGDATABASE, value: {{ toJson $postgresql.database }}}
- {name: PGSSLMODE, value: {{ $postgresql.enabled | ternary "disable" $postgresql.sslMode | toJson }}}
- name: PGPASSWORD
  {{- include "lcc.postgresql.password" . | nindent 2 }}
- {name: MLFLOW_BACKEND_STORE_URI, value: "postgresql+psycopg2://"}
{{- end -}}

{{- /* Variables of MLflow. */ -}}
{{- define "lcc.mlflow.env" -}}
{{- include "lcc.clientEnvironment" . }}
{{ include "lcc.databaseEnvironment" . }}
- {name: MLFLOW_SERVER_ALLOWED_HOSTS, value: {{ include "lcc.mlflow.allowedHosts" . | toJson }}}
{{- with .Values.mlflow.ingress.host }}
- {name: MLFLOW_SERVER_CORS_ALLOWED_ORIGINS, value: {{ printf "https://%s,http://%s" . . | toJson }}}
{{- end }}
# Its queue of background jobs is for judges of language models.
- {name: MLFLOW_SERVER_ENABLE_JOB_EXECUTION, value: "false"}
- {name: MLFLOW_DISABLE_TELEMETRY, value: "true"}
- {name: HOME, value: /tmp}
{{- end -}}

{{- /* Mounts of MLflow. */ -}}
{{- define "lcc.mlflow.mounts" -}}
{{- include "lcc.clientMounts" . }}
{{- end -}}

{{- /* Variables of PostgreSQL. */ -}}
{{- define "lcc.postgresql.env" -}}
- {name: POSTGRES_USER, value: {{ toJson .Values.postgresql.user }}}
- {name: POSTGRES_DB, value: {{ toJson .Values.postgresql.database }}}
- {name: PGDATA, value: /data/pg}
- name: POSTGRES_PASSWORD
  {{- include "lcc.postgresql.password" . | nindent 2 }}
{{- end -}}

{{- /* Mounts of PostgreSQL. */ -}}
{{- define "lcc.postgresql.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: run, mountPath: /var/run/postgresql}
{{- end -}}

{{- /* Variables of the object store: none, it takes arguments and a file. */ -}}
{{- define "lcc.s3.env" -}}[]{{- end -}}

{{- /* Mounts of the object store. */ -}}
{{- define "lcc.s3.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: identities, mountPath: /etc/s3, readOnly: true}
{{- end -}}

{{- /* What both containers of MLflow have. */ -}}
{{- define "lcc.mlflow.container" -}}
image: {{ include "lcc.image" (list . .Values.image) | toJson }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "lcc.mlflow.env" . | nindent 2 }}
  {{- with .Values.mlflow.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.mlflow.resources | nindent 2 }}
securityContext:
  {{- include "lcc.containerSecurity" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  {{- include "lcc.mlflow.mounts" . | nindent 2 }}
  {{- with .Values.mlflow.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* What keeps a Secret whose volume is kept; Helm keeps at any value. Takes (list $ component). */ -}}
{{- define "lcc.keep" -}}
{{- if (index (first .).Values (last .)).persistence.keep -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}
