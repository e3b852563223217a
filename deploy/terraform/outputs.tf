output "overwatch_public_ip" {
  description = "SSH to the overwatch."
  value       = azurerm_public_ip.linux["overwatch"].ip_address
}

output "overwatch_private_ip" {
  description = "Where DNS and the API are, from within the regions."
  value       = local.linux.overwatch.address
}

output "traffic_eastus_public_ip" {
  description = "SSH to the clients in East US: test-cluster, generate-traffic 5 300."
  value       = azurerm_public_ip.linux["traffic-eastus"].ip_address
}

output "traffic_southeastasia_public_ip" {
  description = "SSH to the clients in Southeast Asia."
  value       = azurerm_public_ip.linux["traffic-southeastasia"].ip_address
}

output "backend_westeurope_public_ip" {
  value = azurerm_public_ip.linux["backend-westeurope"].ip_address
}

output "backend_southeastasia_public_ip" {
  value = azurerm_public_ip.linux["backend-southeastasia"].ip_address
}
