variable "resource_group_name" {
  description = "Resource group that holds everything, so that deleting it removes everything."
  type        = string
  default     = "rg-opengslb-latency-test"
}

variable "admin_username" {
  description = "User of the machines."
  type        = string
  default     = "azureuser"
}

variable "ssh_public_key_path" {
  description = "Public key that may log in to the Linux machines."
  type        = string
  default     = "~/.ssh/id_rsa.pub"
}

variable "allowed_ssh_network" {
  description = "Network that may reach SSH and RDP from outside."
  type        = string

  validation {
    condition     = can(cidrhost(var.allowed_ssh_network, 0))
    error_message = "A network such as 203.0.113.0/24."
  }
}

variable "vm_size" {
  description = "Size of each machine."
  type        = string
  default     = "Standard_B2s"
}

variable "package_url" {
  description = "Where the machines fetch the Debian package from; its checksum is checked."
  type        = string
}

variable "package_sha256" {
  description = "SHA-256 of the Debian package, as in out/SHA256SUMS."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "64 hexadecimal digits."
  }
}

variable "npm_package_url" {
  description = "Where the Windows machine fetches the npm package from; empty leaves its agent out."
  type        = string
  default     = ""
}

variable "windows_admin_password" {
  description = "Password of the Windows machine's administrator."
  type        = string
  sensitive   = true
}

variable "enable_bastion" {
  description = "A bastion for the Windows machine, instead of a public address."
  type        = bool
  default     = false
}
