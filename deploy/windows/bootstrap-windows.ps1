<#
.SYNOPSIS
Sets up an agent on Windows: Node, the package, a configuration, a firewall rule, a service.

.DESCRIPTION
Everything is in C:\opengslb: node.exe, the program, config.yaml, opengslb.key, and logs\agent.log.
The service is a task that runs as SYSTEM at start and is started again when it ends; where NSSM is
installed, it is a service of its own instead. Exit codes: 0 done, 1 not an administrator, 2 wrong
parameters, 3 package, 4 configuration refused, 5 not running in the end.

.EXAMPLE
.\bootstrap-windows.ps1 -Role agent -OverwatchIP 10.1.1.10 -Region eu-west -ServiceToken $token `
  -GossipKey $key -ServiceName app.demo.local -BackendPort 80 -Package C:\opengslb-2.0.0.tgz
#>
param(
  [Parameter(Mandatory = $true)][ValidateSet('agent')][string]$Role,
  [Parameter(Mandatory = $true)][string]$OverwatchIP,
  [Parameter(Mandatory = $true)][string]$Region,
  [Parameter(Mandatory = $true)][ValidateLength(16, 256)][string]$ServiceToken,
  [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9+/]{43}=$')][string]$GossipKey,
  [string]$ServiceName = 'web',
  [ValidateRange(1, 65535)][int]$BackendPort = 80,
  [Parameter(Mandatory = $true)][string]$Package,
  [string]$Sha256 = '',
  [switch]$SkipStart,
  [switch]$VerboseOutput
)

$ErrorActionPreference = 'Stop'
$folder = 'C:\opengslb'
$logs = Join-Path $folder 'logs'
$config = Join-Path $folder 'config.yaml'
$task = 'OpenGSLB agent'

function Stop-With([int]$Code, [string]$Why) {
  [Console]::Error.WriteLine("bootstrap: $Why")
  exit $Code
}

function Write-Step([string]$Text) {
  if ($VerboseOutput) { Write-Output $Text }
}

$identity = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
if (-not $identity.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
  Stop-With 1 'needs an administrator'
}

$npm = Get-Command npm.cmd -ErrorAction SilentlyContinue
if ($null -eq $npm) { Stop-With 3 'needs Node.js 20.18 or later, with npm' }

New-Item -ItemType Directory -Force -Path $folder, $logs | Out-Null
# The key and the token are for the service and administrators alone.
# Both by their SID (SYSTEM, Administrators): their names are those of the system's language.
icacls $folder /inheritance:r /grant '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { Stop-With 1 "the rights of $folder cannot be set" }

$file = $Package
if ($Package -match '^https?://') {
  if ($Sha256 -eq '') { Stop-With 2 '-Sha256 is required for a URL' }
  $file = Join-Path $folder 'opengslb.tgz'
  Write-Step "fetching $Package"
  try { Invoke-WebRequest -UseBasicParsing -Uri $Package -OutFile $file } catch { Stop-With 3 "$_" }
}
if ($Sha256 -ne '' -and (Get-FileHash -Algorithm SHA256 $file).Hash -ne $Sha256) {
  Stop-With 3 'the package has another checksum'
}
Write-Step "installing $file"
& $npm.Source install --silent --ignore-scripts --omit=dev --prefix $folder $file
if ($LASTEXITCODE -ne 0) { Stop-With 3 'the package does not install' }
$program = Join-Path $folder 'node_modules\opengslb\dist\opengslb.js'
$node = (Get-Command node.exe).Source

$nodes = ($OverwatchIP -split ',' | ForEach-Object { "`"$($_.Trim()):7946`"" }) -join ', '
$yaml = @"
mode: agent
agent:
  identity:
    service_token: "$ServiceToken"
    region: $Region
    cert_path: C:/opengslb/opengslb.crt
    key_path: C:/opengslb/opengslb.key
  backends:
    - service: $ServiceName
      address: 127.0.0.1
      port: $BackendPort
      health_check: { type: tcp }
  drain_file: C:/opengslb/drain
  gossip:
    encryption_key: "$GossipKey"
    overwatch_nodes: [$nodes]
  latency_learning: { enabled: true }
metrics: { enabled: false }
logging: { level: info, format: text, file: C:/opengslb/logs/agent.log }
"@
# Without a byte order mark, which is no part of YAML.
[IO.File]::WriteAllText($config, $yaml, (New-Object Text.UTF8Encoding $false))

# Windows PowerShell takes a line on standard error for a failure while errors stop a script.
$ErrorActionPreference = 'Continue'
$checked = & $node $program --config $config --check 2>&1
$ErrorActionPreference = 'Stop'
if ($LASTEXITCODE -ne 0) { Stop-With 4 "$checked" }
Write-Step "$checked"

# Gossip comes back from the overwatches to whatever port the agent sends from.
New-NetFirewallRule -DisplayName $task -Direction Inbound -Action Allow -Program $node `
  -Protocol UDP -ErrorAction SilentlyContinue | Out-Null

if ($SkipStart) { exit 0 }

$nssm = Get-Command nssm.exe -ErrorAction SilentlyContinue
if ($null -ne $nssm) {
  & $nssm.Source install opengslb-agent $node "`"$program`"" --config "`"$config`""
  # Ctrl-C first: the agent says goodbye, so that its server leaves DNS at once.
  & $nssm.Source set opengslb-agent AppStopMethodConsole 10000
  & $nssm.Source set opengslb-agent AppExit Default Restart
  & $nssm.Source start opengslb-agent
} else {
  $action = New-ScheduledTaskAction -Execute $node -Argument "`"$program`" --config `"$config`""
  $trigger = New-ScheduledTaskTrigger -AtStartup
  $settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
    -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries
  Register-ScheduledTask -Force -TaskName $task -Action $action -Trigger $trigger -Settings $settings `
    -User 'NT AUTHORITY\SYSTEM' -RunLevel Highest | Out-Null
  Start-ScheduledTask -TaskName $task
}

$log = Join-Path $logs 'agent.log'
foreach ($second in 1..60) {
  if ((Test-Path $log) -and (Select-String -Quiet -Path $log -Pattern 'OpenGSLB running')) {
    Write-Output "the agent runs, in region $Region; its log is $log"
    exit 0
  }
  Start-Sleep -Seconds 1
}
Stop-With 5 "the agent does not run; see $log"
